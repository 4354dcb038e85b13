"""A real or emulated device under pytest."""
