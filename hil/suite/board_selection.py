"""Select the boards to bench, and say of each how it runs or why it does not."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hil.boards import boards_toml, registry
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.opening import Say, started, to_stderr
from hil.errors import BoardAbsent, BoardsFileError
from hil.options import LEASE_WAIT_SECONDS, Settings


@dataclass(frozen=True)
class SelectedBoard:
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
        return started(self.entry, self.provenance, say, wait)


def why_absent(entry: Entry) -> str | None:
    """Why a real board is not here, or None."""
    return registry.target(entry.target).absent(entry)


def select_boards(
    settings: Settings, subnets: Collection[str], probe: Callable[[Entry], str | None] = why_absent
) -> tuple[SelectedBoard, ...]:
    """The boards of this run, in the order of boards.toml; a named target that it lacks comes last.

    Raises `BoardsFileError`, also for a budget of none of the pack's `subnets`, or `UnknownTarget`.
    Nothing is started; `probe` answers as `why_absent` does.
    """
    for name in settings.target:
        registry.target(name)
    path = settings.boards or boards_toml.shipped()
    entries = boards_toml.load(path)
    if settings.target:
        here = {entry.target for entry in entries}
        more = tuple(Entry(name, name) for name in dict.fromkeys(settings.target) if name not in here)
        entries = tuple(e for e in entries if e.target in settings.target) + more
    for entry in entries:
        if unknown := (entry.latency_us.keys() | entry.instructions.keys()) - set(subnets):
            budgets = f"{path}: board {entry.name!r}: a budget for {', '.join(sorted(unknown))}"
            raise BoardsFileError(f"{budgets}, but the pack has {', '.join(subnets)}")
    return tuple(_select(entry, settings, probe) for entry in entries)


def _select(entry: Entry, settings: Settings, probe: Callable[[Entry], str | None]) -> SelectedBoard:
    target = registry.target(entry.target)
    if settings.emulate and target.HAS_EMULATOR:
        return SelectedBoard(entry, Provenance.EMULATED)
    reason = probe(entry)
    if reason is None:
        return SelectedBoard(entry, Provenance.HARDWARE)
    missing = settings.missing or ("fail" if settings.target else "skip")
    if missing == "emulate" and target.HAS_EMULATOR:
        return SelectedBoard(entry, Provenance.EMULATED, no_hardware=f"{entry.name}: {reason}")
    advice = ", or add --emulate to bench the emulated one" if target.HAS_EMULATOR else ""
    fails = missing == "fail" or (missing == "emulate" and bool(settings.target))
    return SelectedBoard(entry, Provenance.HARDWARE, f"{entry.name}: {reason}{advice}", fails)


def summary(boards: Sequence[SelectedBoard]) -> str:
    """One line on what is benched: every board, and how it runs."""
    words = (f"{c.entry.name} ({'absent' if c.absent else c.provenance})" for c in boards)
    return ", ".join(words)
