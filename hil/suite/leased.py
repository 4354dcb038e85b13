"""Lease a board for a test session, and attach its provenance and conditions to each measurement."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.boards.board import Advance, Board, Outputs, ignore
from hil.boards.facts import BoardFacts, Provenance
from hil.boards.opening import to_stderr
from hil.boards.recovery import Record, RecoverableBoard, Say
from hil.results.conditions import Conditions, Span
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, PackFacts
from hil.results.statistics.interval import interval
from hil.suite.board_selection import SelectedBoard
from reds.pack.model import Model

T = TypeVar("T")


@dataclass
class LeasedBoard:
    """A started board of the run, with its conditions at the start and after the last test that measured."""

    selected: SelectedBoard
    _board: RecoverableBoard
    measured: bool = True
    """Whether anything was measured since the conditions were noted."""
    _conditions: list[Conditions] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts()  # starts the board
        self.look()

    def do(self, work: Callable[[Board], T]) -> T:
        """Do work on the board, as `RecoverableBoard.do`."""
        return self._board.do(work)

    def deploy(self, model: Model, advance: Advance = ignore) -> None:
        """Store a pack on the board, as `RecoverableBoard.deploy`."""
        self._board.deploy(model, advance)

    def infer_each(
        self, subnets: Sequence[int], x: NDArray[np.int8], advance: Advance, emulators: int
    ) -> list[Outputs]:
        """Run several subnets on the same inputs, as `RecoverableBoard.infer_each`."""
        return self._board.infer_each(subnets, x, advance, emulators)

    def restart(self) -> None:
        """Start the board's agent anew, as `RecoverableBoard.restart`."""
        self._board.restart()

    def facts(self) -> BoardFacts:
        """Return name, target, provenance and clocks."""
        return self._board.facts()

    @property
    def identity(self) -> BoardIdentity:
        """Return the board as the store of runs keeps it."""
        facts = self.facts()
        who = facts.target, facts.name, str(facts.provenance)
        return BoardIdentity(*who, facts.identity.serial, facts.identity.emulator, facts.build)

    def look(self) -> None:
        """Note the conditions of a real board if it measured. Those of an emulated board change no count."""
        real = self.selected.provenance is Provenance.HARDWARE
        if self.measured and real and (found := self.do(Board.conditions)):
            self._conditions.append(found)
        self.measured = False

    @property
    def conditions(self) -> Span | None:
        """Return the conditions before all measurements and after the latest, None if there are none."""
        seen = self._conditions
        return Span(seen[0], seen[-1]) if seen else None

    def measurement(
        self, of: PackFacts, subnet: str, metric: str, unit: str, value: float, samples: Iterable[float]
    ) -> Measurement:
        """Return a figure with its origin: board, provenance and pack.

        Args:
            of: The pack or the file that is benched.
            subnet: Name of a subnet, or of an ordered pair as `25%->100%`.
            metric: Name of the metric, as `latency`.
            unit: Unit of the value and the samples.
            value: The figure.
            samples: The values that the figure summarizes.
        """
        entry = self.selected.entry
        who = entry.target, entry.name, str(self.selected.provenance), of.name, of.sha256
        taken = tuple(samples)
        low, high = interval(metric, taken, self.selected.provenance is Provenance.EMULATED)
        figure = subnet, metric, unit, value, taken
        return Measurement(*who, *figure, low=low, high=high, pack_shape=of.shape)


@contextmanager
def leased(
    selected: SelectedBoard,
    wait: float,
    uncaptured: Callable[[], AbstractContextManager[None]],
    record: Record,
    recovered: Say,
) -> Iterator[LeasedBoard]:
    """Lease and start a board; skip the test if the board is absent.

    Args:
        selected: The board.
        wait: Seconds to wait for a board that another run uses.
        uncaptured: Context manager that lets output through pytest's capturing.
        record: What happened to the board earlier in the run.
        recovered: Told that the board was recovered, and how.

    Raises:
        HilError: The board does not start, or is absent and fails its tests.
    """
    if selected.absent and not selected.fails:
        pytest.skip(selected.absent)

    def say(text: str) -> None:
        with uncaptured():
            to_stderr(text)

    with (
        selected.lease(say, wait) as (entry, check),
        RecoverableBoard(entry, selected.provenance, record, say, recovered, check) as board,
    ):
        yield LeasedBoard(replace(selected, entry=entry), board)
