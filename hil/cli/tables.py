"""The tables of a bench of kernels: which nets they are of, and where they go."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from hil.cli.options import FILE
from hil.kernels.cases import NETS

if TYPE_CHECKING:
    from hil.kernels.tables import Table

JSON = click.option("--json", "json_file", type=FILE, help="Also write the tables to this file, as JSON.")
MARKDOWN = click.option(
    "--markdown", "markdown_file", type=FILE, help="Also write the tables to this file, as Markdown."
)


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Give a bench the options that all benches have."""
    net = click.option("--net", "nets", multiple=True, type=click.Choice(list(NETS)), help="Only this net.")
    return net(JSON(MARKDOWN(command)))


def publish(tables: Sequence["Table"], json_file: Path | None, markdown_file: Path | None) -> None:
    """Print the tables, and write them to the files that are given."""
    from hil.kernels.tables import plain

    console = Console()
    for table in tables:
        console.print(table.rich())
    if json_file:
        json_file.write_text(json.dumps(plain(tables), indent=2) + "\n", encoding="utf-8")
    if markdown_file:
        markdown_file.write_text("\n".join(table.markdown() for table in tables), encoding="utf-8")
