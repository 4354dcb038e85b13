"""Labeled data: where it comes from, checked by sha256, cached where the user can find it."""
