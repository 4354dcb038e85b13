"""Speak the framed agent protocol: its definition, its frames, and the host's end of it."""
