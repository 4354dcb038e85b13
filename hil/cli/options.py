"""Define the options that several commands share."""

import click

from reds.commands import file

BOARDS = click.option(
    "--boards", "boards_file", type=file, help="Boards file; default: the shipped boards.toml."
)
