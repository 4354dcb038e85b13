"""Labeled data: official sets and a user's own, checked by sha256 and cached where the user can find it."""
