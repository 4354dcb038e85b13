"""Define the options that several commands share."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path)
BOARDS = click.option(
    "--boards", "boards_file", type=FILE, help="Boards file; default: the shipped boards.toml."
)
