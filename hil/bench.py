"""Picks the boards to bench, and says of each how it runs or why it does not."""

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from hil import boards, lease
from hil.boards import boardsfile
from hil.boards.board import Board, Provenance
from hil.boards.boardsfile import Entry
from hil.errors import BoardAbsent, BoardsFileError
from hil.settings import LEASE_WAIT_SECONDS, Settings

Say = Callable[[str], None]
"""Shows a line to the user."""


def to_stderr(text: str) -> None:
    """A line on the terminal, whatever stands there already."""
    print(f"\n{text}", file=sys.stderr, flush=True)


@contextmanager
def start(
    entry: Entry, provenance: Provenance, say: Say = to_stderr, wait: float = LEASE_WAIT_SECONDS
) -> Iterator[Board]:
    """The board, its agent answering; a real one is leased, within `wait` seconds.

    Raises `BoardBusy`, or `BoardAbsent` if it is not here.
    """
    kind = boards.target(entry.target)
    device = kind.device(entry) if provenance is Provenance.HARDWARE else ""
    if device is None:
        reason = kind.absent(entry) or "it answers at some times only; check its cable or network"
        raise BoardAbsent(f"{entry.name}: {reason}{', or add --emulate' * kind.HAS_EMULATOR}")
    alone = lease.held(entry.name, device, wait, say) if device else nullcontext()
    with alone, kind.start(entry, provenance) as board:
        yield board


@dataclass(frozen=True)
class Choice:
    """One board of a run. `absent` says why it cannot run; `fails` that this is an error, not a skip.

    `no_hardware` says why it is emulated, where that was not asked for first.
    """

    entry: Entry
    provenance: Provenance
    absent: str = ""
    fails: bool = False
    no_hardware: str = ""

    @property
    def id(self) -> str:
        """Its name in test ids."""
        return f"{self.entry.name}-{self.provenance}"

    @property
    def properties(self) -> list[tuple[str, str]]:
        """What JUnit keeps of it beside each of its tests, also of those that are skipped."""
        how = [("absent", self.absent)] if self.absent else [("provenance", str(self.provenance))]
        why = [("no hardware", self.no_hardware)] if self.no_hardware else []
        return [("target", self.entry.target), ("board", self.entry.name), *how, *why]

    def start(self, say: Say = to_stderr, wait: float = LEASE_WAIT_SECONDS) -> AbstractContextManager[Board]:
        """The board, ready for a pack. Raises `BoardAbsent` if it was chosen to fail."""
        if self.absent:
            raise BoardAbsent(self.absent)
        return start(self.entry, self.provenance, say, wait)


def absent(entry: Entry) -> str | None:
    """Why a real board is not here, or None."""
    return boards.target(entry.target).absent(entry)


def choose(
    settings: Settings, subnets: Collection[str], probe: Callable[[Entry], str | None] = absent
) -> tuple[Choice, ...]:
    """The boards of this run, in the order of boards.toml; a named target that it lacks comes last.

    Raises `BoardsFileError`, also for a budget of none of the pack's `subnets`, or `UnknownTarget`.
    Nothing is started; `probe` says as `absent` does.
    """
    for name in settings.target:
        boards.target(name)
    path = settings.boards or boardsfile.shipped()
    entries = boardsfile.load(path)
    if settings.target:
        here = {entry.target for entry in entries}
        more = tuple(Entry(name, name) for name in dict.fromkeys(settings.target) if name not in here)
        entries = tuple(e for e in entries if e.target in settings.target) + more
    for entry in entries:
        if unknown := (entry.latency_us.keys() | entry.instructions.keys()) - set(subnets):
            budgets = f"{path}: board {entry.name!r}: a budget for {', '.join(sorted(unknown))}"
            raise BoardsFileError(f"{budgets}, but the pack has {', '.join(subnets)}")
    return tuple(_choice(entry, settings, probe) for entry in entries)


def _choice(entry: Entry, settings: Settings, probe: Callable[[Entry], str | None]) -> Choice:
    target = boards.target(entry.target)
    if settings.emulate and target.HAS_EMULATOR:
        return Choice(entry, Provenance.EMULATED)
    reason = probe(entry)
    if reason is None:
        return Choice(entry, Provenance.HARDWARE)
    missing = settings.missing or ("fail" if settings.target else "skip")
    if missing == "emulate" and target.HAS_EMULATOR:
        return Choice(entry, Provenance.EMULATED, no_hardware=f"{entry.name}: {reason}")
    advice = ", or add --emulate to bench the emulated one" if target.HAS_EMULATOR else ""
    fails = missing == "fail" or (missing == "emulate" and bool(settings.target))
    return Choice(entry, Provenance.HARDWARE, f"{entry.name}: {reason}{advice}", fails)


def summary(choices: Sequence[Choice]) -> str:
    """One line on what is benched: every board, and how it runs."""
    words = (f"{c.entry.name} ({'absent' if c.absent else c.provenance})" for c in choices)
    return ", ".join(words)
