"""Check requests to a board, and the target that its agent reports."""

import numpy as np

from hil.boards.entry import Entry
from hil.errors import SetupError
from hil.protocol.hello import Hello
from reds.text import printable

MOST_SAMPLES = 0xFFFF
"""Most samples of one measurement."""


def check_count(board: str, n: int) -> None:
    """Raise `SetupError` unless n is a number of samples that a board can take."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= MOST_SAMPLES:
        asked = printable(repr(n))
        raise SetupError(f"n is {asked}; write a whole number from 1 to {MOST_SAMPLES:,}", board=board)


def check_target(entry: Entry, hello: Hello, where: str) -> None:
    """Check that an agent runs on a board of the target that its entry names.

    Args:
        entry: The board's entry in boards.toml.
        hello: The agent's answer to a hello.
        where: Name of the transport to the agent.

    Raises:
        SetupError: The agent runs on a board of another target.
    """
    if hello.board != entry.target:
        says = f"{where} says it runs on a {hello.board!r}, not on a {entry.target}"
        raise SetupError(f"{says}; name the port or agent of a {entry.target}", board=entry.name)
