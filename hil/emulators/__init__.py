"""Emulated devices, for when the real one is not there."""
