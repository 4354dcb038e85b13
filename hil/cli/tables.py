"""Choose the nets of a kernel bench, and print and store its tables."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hil.kernels.cases import NETS
from reds.commands import new_file
from reds.console import WIDE, plain_console
from reds.files import write_atomically

if TYPE_CHECKING:
    from hil.kernels.tables import Table

JSON = click.option("--json", "json_file", type=new_file, help="Also write the tables to this file, as JSON.")
MARKDOWN = click.option(
    "--markdown", "markdown_file", type=new_file, help="Also write the tables to this file, as Markdown."
)


def of_nets(names: Iterable[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the options of a bench of these nets."""
    net = click.option(
        "--net",
        "nets",
        multiple=True,
        type=click.Choice(list(names)),
        help="Measure only this net; repeat for more.",
    )
    return lambda command: net(JSON(MARKDOWN(command)))


shared = of_nets(NETS)
"""Decorator that adds the options of a bench of the usual nets."""


def publish(tables: Sequence["Table"], json_file: Path | None, markdown_file: Path | None) -> None:
    """Print the tables, and write them to the given files.

    Args:
        tables: The tables, in order.
        json_file: File for the tables as JSON; None for no such file.
        markdown_file: File for the tables as Markdown; None for no such file.

    Raises:
        OSError: A file cannot be written.
    """
    from hil.kernels.tables import plain

    console = plain_console(least_width=WIDE)
    for table in tables:
        console.print(table.rich())
    if json_file:
        write_atomically(json_file, (json.dumps(plain(tables), indent=2) + "\n").encode())
    if markdown_file:
        write_atomically(markdown_file, "\n".join(table.markdown() for table in tables).encode())
