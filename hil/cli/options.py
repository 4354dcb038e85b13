"""Options that several commands share."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path)
BOARDS = click.option(
    "--boards", "boards_file", type=FILE, help="The file that lists your boards; default: the shipped one."
)
