"""Define what a check finds."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from hil.doctor.machine import Machine


class State(StrEnum):
    """State of one thing that is checked."""

    OK = "ok"
    OPTIONAL = "optional"
    """A fault that limits what can be benched, or may disturb a bench."""
    BROKEN = "broken"
    """A fault of something that each bench needs, or that a board needs which is named or plugged in."""


@dataclass(frozen=True)
class Finding:
    """Result of one check, in one line.

    Attributes:
        subject: The thing, in a word or two.
        text: Its state in words.
        remedy: One command or action that mends it; empty if nothing is wrong.
    """

    subject: str
    state: State
    text: str
    remedy: str = ""

    def plain(self) -> dict[str, str]:
        """Return the finding for JSON."""
        return {**asdict(self), "state": str(self.state)}


Check = Callable[[Machine], Iterable[Finding]]
"""Examines one subject."""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that nothing is wrong."""
    return Finding(subject, State.OK, text)


def fault(subject: str, needed: bool, text: str, remedy: str) -> Finding:
    """Return a fault of something that is needed, or optional."""
    return Finding(subject, State.BROKEN if needed else State.OPTIONAL, text, remedy)
