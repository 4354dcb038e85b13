"""Read the runs of a report, and split each into what one board measured of one pack."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hil.boards.entry import Entry
from hil.errors import ResultsError
from hil.report.figure import file_name
from hil.results.file import read_run
from hil.results.gate.baseline import Figure as Key
from hil.results.limit import Limit
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, Run, TestOutcome
from hil.results.store import Past, Store
from reds.text import printable

SPEEDS = (("latency", "us"), ("cycles", "cycles"), ("instructions", "instructions"))
"""Metrics and units of a latency, the best first."""
SWITCHES = (("switch", "us"), ("switch_cycles", "cycles"), ("switch_instructions", "instructions"))
"""Metrics and units of a switch, the best first."""
_KEYS = {
    ("latency", "us"): "latency_us",
    ("instructions", "instructions"): "instructions",
    ("ram", "bytes"): "ram_bytes",
    ("stack", "bytes"): "stack_bytes",
}
"""Keys of a boards file that limit a figure, by metric and unit."""
_MOST_RUNS = 100
"""Most earlier runs of a history."""


@dataclass(frozen=True)
class Bench:
    """Measurements of one pack on one board in one run.

    Attributes:
        run: The run.
        board: The board.
        figures: Its measurements by name of the subnet, metric and unit.
        limits: Its entry in the boards file, with its limits; None if the file does not name it.
        held: The limits that the pack was held to, by name of the subnet, metric and unit; None if the run
            kept no limit of any board, as one of an older version.
        past: Returns a figure of this and of earlier runs on this board, the newest first.
    """

    run: Run
    board: BoardIdentity
    figures: Mapping[Key, Measurement]
    limits: Entry | None
    past: Callable[[Key], Sequence[Past]]
    held: Mapping[Key, Limit] | None = None

    def limits_of(self, metric: str, unit: str) -> Mapping[str, float]:
        """Return the limits of a figure by subnet: those of the run, else those of the boards file.

        Args:
            metric: Name of the metric, as `latency`.
            unit: Unit of the limit.
        """
        if self.held is not None:
            return {of: one.value for (of, *kind), one in self.held.items() if kind == [metric, unit]}
        key = _KEYS.get((metric, unit))
        return getattr(self.limits, key) if self.limits and key else {}

    @property
    def pack(self) -> str:
        """Return the name of the pack."""
        return self._any.pack

    @property
    def sha256(self) -> str:
        """Return the checksum of the pack."""
        return self._any.pack_sha256

    @property
    def shape(self) -> str:
        """Return the shape of the pack."""
        return self._any.pack_shape

    @property
    def exact(self) -> bool:
        """Return whether its counts repeat exactly."""
        return self.board.provenance == "emulated"

    @cached_property
    def subnets(self) -> tuple[str, ...]:
        """Return the names of the subnets, the smallest first as far as their MACs are known."""
        names = dict.fromkeys(
            subnet
            for subnet, metric, _ in self.figures
            if "->" not in subnet and not metric.startswith(("replay_", "load_"))
        )
        macs = {name: self.value(name, "macs", "MAC") or 0.0 for name in names}
        return tuple(sorted(names, key=lambda name: macs[name]))

    @cached_property
    def card(self) -> Mapping[str, Any]:
        """Return the card of the pack, empty if the run kept none of it."""
        kept = self.run.pack
        return kept.fields if kept and kept.sha256 == self.sha256 else {}

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes, empty if they are not known."""
        names = self.card.get("classes", ())
        return tuple(printable(str(name), 40) for name in names) if isinstance(names, list) else ()

    def value(self, subnet: str, metric: str, unit: str) -> float | None:
        """Return a figure, None if it was not measured.

        Args:
            subnet: Name of a subnet, or of an ordered pair.
            metric: Name of the metric.
            unit: Unit of the figure.
        """
        found = self.figures.get((subnet, metric, unit))
        return None if found is None else found.value

    def first_of(self, kinds: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        """Return the first of some metrics with their units that the board measured, None without any."""
        there = {(metric, unit) for _, metric, unit in self.figures}
        return next((kind for kind in kinds if kind in there), None)

    @property
    def where(self) -> str:
        """Return the pack, the board and the provenance, for titles."""
        return f"{self.pack} on {self.board.board}, {self.board.provenance}"

    def file_name(self, kind: str) -> str:
        """Return the name of the file of a figure of this kind."""
        return file_name(kind, self.board.board, self.board.provenance, self.pack, self.run.id)

    @property
    def about(self) -> tuple[str, ...]:
        """Return lines that say where the figures of this bench come from."""
        board, run = self.board, self.run
        device = [board.emulator or board.serial, f"agent {board.build}" if board.build else ""]
        kept = [f"commit {run.commit[:12]}{' with changes' * run.dirty}" if run.commit else ""]
        kept += [f"host {run.host}"] if run.host else []
        return (
            ", ".join(filter(None, (f"{board.board} ({board.target}), {board.provenance}", *device))),
            f"pack {self.pack}, sha256 {self.sha256[:12]}",
            ", ".join(filter(None, (f"run {run.id}", *kept))),
        )

    @property
    def _any(self) -> Measurement:
        return next(iter(self.figures.values()))


@dataclass(frozen=True)
class Taken:
    """One run of a report: the run, its boards and tests, all measurements, and its benches."""

    run: Run
    boards: tuple[BoardIdentity, ...]
    tests: tuple[TestOutcome, ...]
    measurements: tuple[Measurement, ...]
    benches: tuple[Bench, ...]


def from_store(store: Store, run: Run, limits: Sequence[Entry]) -> Taken:
    """Return a run of the store.

    Args:
        store: The store.
        run: The run.
        limits: Boards of the boards file.
    """

    def past(board: BoardIdentity, shape: str) -> Callable[[Key], Sequence[Past]]:
        return lambda key: store.history(board, shape, *key, limit=_MOST_RUNS, until=run.id)

    measured = tuple(store.measurements(run.id))
    boards = tuple(store.boards(run.id))
    benches = _benches(run, boards, measured, limits, store.limits(run.id), past)
    return Taken(run, boards, tuple(store.tests(run.id)), measured, benches)


def from_file(path: Path, limits: Sequence[Entry]) -> Taken:
    """Return the run of a results file, which has no history.

    Args:
        path: The file.
        limits: Boards of the boards file.

    Raises:
        ResultsError: The file cannot be read, holds no measurement, or does not say of which run.
    """
    header, measured = read_run(path)
    if header is None:
        remedy = "name a file that --results of this version wrote"
        raise ResultsError(f"does not say of which run it is; {remedy}", file=path)
    kept = tuple(measured)
    held = header.limits
    benches = _benches(header.run, header.boards, kept, limits, held, lambda board, shape: lambda key: ())
    return Taken(header.run, header.boards, header.tests, kept, benches)


def _benches(
    run: Run,
    boards: Sequence[BoardIdentity],
    measured: Sequence[Measurement],
    limits: Sequence[Entry],
    held: Sequence[Limit],
    past: Callable[[BoardIdentity, str], Callable[[Key], Sequence[Past]]],
) -> tuple[Bench, ...]:
    known = {(board.target, board.board, board.provenance): board for board in boards}
    named = {entry.name: entry for entry in limits}
    groups: dict[tuple[BoardIdentity, str, str], dict[Key, Measurement]] = {}
    for m in measured:
        who = m.target, m.board, m.provenance
        board = known.get(who) or BoardIdentity(*who)
        if m.subnet != "all":
            figures = groups.setdefault((board, m.pack_sha256, m.pack_shape), {})
            figures[m.subnet, m.metric, m.unit] = m
    return tuple(
        Bench(
            run,
            board,
            figures,
            named.get(board.board),
            past(board, shape),
            _held(held, board, sha256) if held else None,
        )
        for (board, sha256, shape), figures in groups.items()
    )


def _held(limits: Sequence[Limit], board: BoardIdentity, sha256: str) -> dict[Key, Limit]:
    """Return the limits of a pack on a board, by name of the subnet, metric and unit."""
    who = board.target, board.board, board.provenance
    of_board = (one for one in limits if (one.target, one.board, one.provenance) == who)
    return {(one.subnet, one.metric, one.unit): one for one in of_board if one.pack_sha256 in ("", sha256)}
