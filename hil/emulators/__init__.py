"""Emulate devices that are not there."""
