"""Lease a board for a test session, and attach its provenance and conditions to each measurement."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import pytest

from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.boards.opening import to_stderr
from hil.results.conditions import Conditions, Span
from hil.results.store import Measurement
from hil.suite.board_selection import SelectedBoard
from reds.pack.pack import Pack


@dataclass
class LeasedBoard:
    """A started board of the run, with its conditions before the first and after the latest measurement."""

    selected: SelectedBoard
    board: Board
    _conditions: list[Conditions] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Note the current conditions of a real board. Those of an emulated board change no count."""
        real = self.board.facts().provenance is Provenance.HARDWARE
        if real and (found := self.board.conditions()):
            self._conditions.append(found)

    def measurement(
        self, pack: Pack, subnet: str, metric: str, unit: str, value: float, samples: Iterable[float]
    ) -> Measurement:
        """Return a figure with its origin: board, provenance, pack and conditions.

        Args:
            pack: The pack that is deployed.
            subnet: Name of a subnet, or of an ordered pair as `25%->100%`.
            metric: Name of the metric, as `latency`.
            unit: Unit of the value and the samples.
            value: The figure.
            samples: The values that the figure summarizes.
        """
        facts, seen = self.board.facts(), self._conditions
        who = facts.target, facts.name, str(facts.provenance), pack.model.name, pack.sha256
        when = Span(seen[0], seen[-1]) if seen else None
        return Measurement(*who, subnet, metric, unit, value, tuple(samples), when)


@contextmanager
def leased(
    selected: SelectedBoard, wait: float, uncaptured: Callable[[], AbstractContextManager[None]]
) -> Iterator[LeasedBoard]:
    """Start a board; skip the test if the board is absent.

    Args:
        selected: The board.
        wait: Seconds to wait for a board that another run uses.
        uncaptured: Context manager that lets output through pytest's capturing.

    Raises:
        HilError: The board does not start, or is absent and fails its tests.
    """
    if selected.absent and not selected.fails:
        pytest.skip(selected.absent)

    def say(text: str) -> None:
        with uncaptured():
            to_stderr(text)

    with selected.start(say, wait) as board:
        yield LeasedBoard(selected, board)
