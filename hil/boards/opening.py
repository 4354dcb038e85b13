"""Open one board: lease it where it is real, start it, and close it again."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from hil.boards import lease, registry
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.errors import BoardAbsent
from hil.options import LEASE_WAIT_SECONDS

Say = Callable[[str], None]
"""Shows a line to the user."""


def to_stderr(text: str) -> None:
    """Show a line on the terminal, below whatever stands there."""
    print(f"\n{text}", file=sys.stderr, flush=True)


@contextmanager
def open_board(
    entry: Entry, provenance: Provenance, say: Say = to_stderr, wait: float = LEASE_WAIT_SECONDS
) -> Iterator[Board]:
    """Start the board, its agent answering; a real one is leased, within `wait` seconds.

    Raises `BoardBusy`, or `BoardAbsent` if it is not here.
    """
    kind = registry.target(entry.target)
    device = kind.device(entry) if provenance is Provenance.HARDWARE else ""
    if device is None:
        reason = kind.absent(entry) or "it answers at some times only; check its cable or network"
        raise BoardAbsent(f"{entry.name}: {reason}{', or add --emulate' * kind.HAS_EMULATOR}")
    alone = lease.held(entry.name, device, wait, say) if device else nullcontext()
    with alone, kind.start(entry, provenance) as board:
        yield board
