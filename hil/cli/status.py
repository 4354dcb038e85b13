"""Start a board for a command, and show on the terminal which measurement is running."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.text import Text

from hil.boards import opening
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from reds.console import plain_console


@contextmanager
def board_and_status(entry: Entry, provenance: Provenance) -> Iterator[tuple[Board, Callable[[str], None]]]:
    """Start a board; yield it and a function that shows which measurement is running."""
    console = plain_console(stderr=True)
    with (
        console.status(Text(f"starting {entry.name}")) as status,
        opening.started(entry, provenance, console.out) as board,
    ):
        yield board, lambda what: status.update(Text(f"{entry.name}: {what}"))
