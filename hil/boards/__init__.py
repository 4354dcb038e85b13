"""Open and use boards: what all boards can do, boards.toml, and one file for each target in `targets/`."""
