"""A board that a test session has leased, and what its measurements are kept with."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import pytest

from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.boards.opening import to_stderr
from hil.results.conditions import Conditions
from hil.results.store import Measurement
from hil.suite.board_selection import SelectedBoard
from reds.pack.pack import Pack


@dataclass
class LeasedBoard:
    """A board of the run, started, and what it was like before anything was measured and after the latest."""

    selected: SelectedBoard
    board: Board
    _conditions: list[Conditions] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Note the conditions as they are now; of an emulated board none changes a count."""
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
            metric: Name of what was measured, as `latency`.
            unit: Unit of the value and the samples.
            value: The figure.
            samples: The values that the figure is made of.
        """
        facts, seen = self.board.facts(), self._conditions
        who = facts.target, facts.name, str(facts.provenance), pack.model.name, pack.sha256
        when = {"before": seen[0].plain(), "after": seen[-1].plain()} if seen else None
        return Measurement(*who, subnet, metric, unit, value, tuple(samples), when)


@contextmanager
def leased(
    selected: SelectedBoard, wait: float, uncaptured: Callable[[], AbstractContextManager[None]]
) -> Iterator[LeasedBoard]:
    """Start a board; skip the test if it is absent.

    Args:
        selected: The board.
        wait: Seconds to wait for a board that another run uses.
        uncaptured: Lets output through pytest's capturing.
    """
    if selected.absent and not selected.fails:
        pytest.skip(selected.absent)

    def say(text: str) -> None:
        with uncaptured():
            to_stderr(text)

    with selected.start(say, wait) as board:
        yield LeasedBoard(selected, board)
