"""Make the consoles of the commands, on which text of others is only text."""

from collections.abc import Iterable
from typing import IO

from rich.console import Console
from rich.text import Text

from reds import torchrun
from reds.text import printable

WIDE = 400
"""Columns of text that is no terminal's: wider than any table, so that no cell is folded or cut."""


def plain_console(stderr: bool = False, least_width: int = 0) -> Console:
    """Return a console that reads no markup and no emoji codes in what it prints.

    With markup a name such as `desk [lab]` would lose its end, and `desk[/lab]` would raise an error. Of
    several processes of one training only the first one prints.

    Args:
        stderr: Print to standard error.
        least_width: Columns of the output if it is no terminal, where lines may be of any length.
    """
    console = Console(stderr=stderr, markup=False, emoji=False, quiet=torchrun.rank() > 0)
    if not console.is_terminal:
        console.width = max(console.width, least_width)
    return console


def wide_console(file: IO[str]) -> Console:
    """Return a console for text without color that may be of any width."""
    return Console(file=file, width=WIDE, color_system=None, highlight=False, markup=False, emoji=False)


def print_notes(notes: Iterable[str], console: Console) -> None:
    """Print sentences that the user should read, each on a line of its own."""
    for note in notes:
        console.print(Text(printable(note), style="yellow"), soft_wrap=True)
