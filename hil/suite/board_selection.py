"""Select the boards of a run, and decide for each whether it runs, is emulated, is skipped or fails."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hil.boards import boards_toml, registry
from hil.boards.entry import LIMITS_BY_SUBNET, Entry
from hil.boards.facts import Provenance
from hil.boards.opening import Say, leased, to_stderr
from hil.errors import BoardAbsent, BoardsFileError
from hil.options import LEASE_WAIT_SECONDS, Settings


@dataclass(frozen=True)
class SelectedBoard:
    """A board of a run, with the decision whether it runs, is emulated, is skipped or fails."""

    entry: Entry
    provenance: Provenance
    absent: str = ""
    """The reason why the board cannot run; empty if it can."""
    fails: bool = False
    """True if the tests of an absent board fail; False if they are skipped."""
    no_hardware: str = ""
    """The reason why --missing=emulate chose the emulator; empty otherwise."""

    @property
    def id(self) -> str:
        """Return the name of the board in test ids."""
        return f"{self.entry.name}-{self.provenance}"

    @property
    def properties(self) -> list[tuple[str, str]]:
        """Return the JUnit properties of every test of the board, including skipped tests."""
        how = [("absent", self.absent)] if self.absent else [("provenance", str(self.provenance))]
        why = [("no hardware", self.no_hardware)] if self.no_hardware else []
        return [("target", self.entry.target), ("board", self.entry.name), *how, *why]

    def lease(self, say: Say = to_stderr, wait: float = LEASE_WAIT_SECONDS) -> AbstractContextManager[None]:
        """Lease the board, so that it can be started. Raises `BoardAbsent` if the board is absent."""
        if self.absent:
            raise BoardAbsent(self.absent)
        return leased(self.entry, self.provenance, say, wait)


def why_absent(entry: Entry) -> str | None:
    """Return the reason why a real board is absent, or None if it is here."""
    return registry.target(entry.target).absent(entry)


def any_meter(settings: Settings) -> bool:
    """Return whether a board of the boards file has a meter. Raises `BoardsFileError`."""
    return any(entry.meter for entry in boards_toml.load(settings.boards or boards_toml.shipped()))


def select_boards(
    settings: Settings, subnets: Collection[str] | None, probe: Callable[[Entry], str | None] = why_absent
) -> tuple[SelectedBoard, ...]:
    """Return the boards of a run in the order of the boards file, without starting any.

    A target of --target that the boards file lacks comes last, with the default entry of its kind.

    Args:
        settings: The options of the run.
        subnets: Names of the pack's subnets; None for a `.tflite` file, which no budget for a subnet is of.
        probe: Returns the reason why a real board is absent, as `why_absent` does.

    Raises:
        BoardsFileError: The boards file cannot be used, or has a budget for a subnet that the pack lacks.
        UnknownTarget: --target names no known target.
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
        limited = {subnet for key in LIMITS_BY_SUBNET for subnet in getattr(entry, key)}
        if subnets is not None and (unknown := limited - set(subnets)):
            budgets = f"{path}: board {entry.name!r}: a budget for {', '.join(sorted(unknown))}"
            known = ", ".join(subnets)
            raise BoardsFileError(f"{budgets}, but the pack has {known}; remove or rename the budget")
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
    """Return one line that lists every board with its provenance, or as absent."""
    words = (f"{c.entry.name} ({'absent' if c.absent else c.provenance})" for c in boards)
    return ", ".join(words)
