"""Options that several commands share."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path)
BOARDS = click.option(
    "--boards", "boards_file", type=FILE, help="The file that lists your boards; default: the shipped one."
)
JSON = click.option("--json", "json_file", type=FILE, help="Also write the tables to this file, as JSON.")
MARKDOWN = click.option(
    "--markdown", "markdown_file", type=FILE, help="Also write the tables to this file, as Markdown."
)
