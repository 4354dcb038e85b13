"""Boards: what every board can do, how boards.toml names them, and one file a target in `targets/`."""
