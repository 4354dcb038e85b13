"""Hold a started board for those who work with it, and decide what happens if their work is interrupted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hil.boards.board import Advance, Board
from hil.boards.facts import BoardFacts
from reds.pack.model import Model

T = TypeVar("T")


class Holder(Protocol):
    """A holder of a started board."""

    def do(self, work: Callable[[Board], T]) -> T:
        """Do work on the board, and return its result."""
        ...

    def deploy(self, model: Model, advance: Advance) -> None:
        """Store a pack on the board, as `Board.deploy`."""
        ...

    def facts(self) -> BoardFacts:
        """Return the board's name, target, provenance and clocks."""
        ...


@dataclass(frozen=True)
class Once:
    """A holder that does work once; its errors are those of the board."""

    board: Board

    def do(self, work: Callable[[Board], T]) -> T:
        """Do the work."""
        return work(self.board)

    def deploy(self, model: Model, advance: Advance) -> None:
        """Store a pack on the board."""
        self.board.deploy(model, advance)

    def facts(self) -> BoardFacts:
        """Return name, target, provenance and clocks."""
        return self.board.facts()
