"""Start a board: lease it if it is real, open it, and close it at the end."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from hil import cache
from hil.boards import lease, registry
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.errors import BoardAbsent, EmulatorError
from hil.lifetime.termination import termination_interrupts
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

    Args and errors are those of `leased`, which comes first.
    """
    with (
        leased(entry, provenance, say, wait),
        registry.target(entry.target).start(entry, provenance) as board,
    ):
        yield board


@contextmanager
def leased(
    entry: Entry, provenance: Provenance, say: Say = to_stderr, wait: float = LEASE_WAIT_SECONDS
) -> Iterator[None]:
    """Hold the lease of a board. The desktop and emulators that a run starts itself need none.

    What killed runs left on this machine is removed first.

    Args:
        entry: The board.
        provenance: Choice of the real board, which is leased, or of its emulator.
        say: Shows the user which other run has the board.
        wait: Seconds to wait for a board that another run uses.

    Raises:
        BoardBusy: Another run kept the board.
        BoardAbsent: The board is not here.
        EmulatorError: The board has no emulator.
    """
    cache.sweep()
    kind = registry.target(entry.target)
    if provenance is Provenance.EMULATED and not kind.HAS_EMULATOR:
        raise EmulatorError(f"there is no emulator of {entry.target}; leave --emulate out", board=entry.name)
    shared = provenance is Provenance.HARDWARE or entry.emulated
    device = kind.device(entry) if shared else ""
    if device is None:
        reason = kind.absent(entry) or "it does not answer every time; check its cable or network"
        raise BoardAbsent(f"{reason}{', or add --emulate' * kind.HAS_EMULATOR}", board=entry.name)
    alone = lease.held(entry.name, device, wait, say) if device else nullcontext()
    with termination_interrupts(), alone:
        yield
