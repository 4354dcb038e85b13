"""What carries frames: a byte stream that is written, read and closed, each with a deadline."""

from dataclasses import dataclass
from typing import Protocol

from hil.transports.deadline import Deadline


@dataclass(frozen=True)
class Advice:
    """What to try next when the stream is lost, and when the agent at its end says nothing."""

    lost: str
    mute: str


class Transport(Protocol):
    """A byte stream to an agent. `name` says in errors where it leads: a port, a process."""

    name: str
    advice: Advice

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`. Raises `DeadlineError`, or `LinkError` when the stream is lost."""
        ...

    def read(self, deadline: Deadline) -> bytes:
        """At least one byte. Raises `DeadlineError`, or `LinkError` when the stream is lost."""
        ...

    def close(self) -> None:
        """Let go of the stream; twice is harmless."""
        ...
