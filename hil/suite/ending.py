"""Say where a run is at its end, apart from the modules that need a database."""

from dataclasses import dataclass
from enum import Enum, auto


class Place(Enum):
    """The place where a run is at its end."""

    STORE = auto()
    HERE = auto()
    NOWHERE = auto()


@dataclass(frozen=True)
class Ending:
    """The end of the keeping of a run.

    Attributes:
        place: Where the run is: in its store, on this machine until it is sent, or nowhere.
        notes: Lines for the terminal.
        fault: The reason for which the store lacks the run and will lack it; empty if there is none.
    """

    place: Place
    notes: tuple[str, ...]
    fault: str
