"""Start a board: lease it if it is real, open it, and close it at the end."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from hil.boards import lease, registry
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.errors import BoardAbsent, EmulatorError
from hil.options import LEASE_WAIT_SECONDS
from reds.text import LINE, printable

Say = Callable[[str], None]
"""Function that shows a line to the user."""


def to_stderr(text: str) -> None:
    """Print a line on standard error."""
    print(f"\n{printable(text, LINE)}", file=sys.stderr, flush=True)


@contextmanager
def started(
    entry: Entry, provenance: Provenance, say: Say = to_stderr, wait: float = LEASE_WAIT_SECONDS
) -> Iterator[Board]:
    """Start a board and wait for its agent; stop the board at the end of the `with` block.

    Args:
        entry: The board.
        provenance: Choice of the real board, which is leased first, or of its emulator.
        say: Shows the user which other run has the board.
        wait: Seconds to wait for a board that another run uses.

    Raises:
        BoardBusy: Another run kept the board.
        BoardAbsent: The board is not here.
        EmulatorError: The board has no emulator, or the emulator does not start.
    """
    kind = registry.target(entry.target)
    if provenance is Provenance.EMULATED and not kind.HAS_EMULATOR:
        raise EmulatorError(f"there is no emulator of {entry.target}; leave --emulate out", board=entry.name)
    device = kind.device(entry) if provenance is Provenance.HARDWARE else ""
    if device is None:
        reason = kind.absent(entry) or "it does not answer every time; check its cable or network"
        raise BoardAbsent(f"{reason}{', or add --emulate' * kind.HAS_EMULATOR}", board=entry.name)
    alone = lease.held(entry.name, device, wait, say) if device else nullcontext()
    with alone, kind.start(entry, provenance) as board:
        yield board
