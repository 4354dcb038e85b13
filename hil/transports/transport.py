"""Define the byte stream that carries frames: written, read and closed, each under a deadline."""

from dataclasses import dataclass
from typing import Protocol

from hil.transports.deadline import Deadline


@dataclass(frozen=True)
class Advice:
    """Remedies for errors: if the stream is lost, and if the agent at its end stays silent."""

    lost: str
    mute: str


class Transport(Protocol):
    """A byte stream to an agent. `name` names its other end in errors, such as a port or a process.

    After its deadline every read and write raises, whatever comes, so that no flood of bytes extends it.
    """

    name: str
    advice: Advice

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`. Raises `DeadlineError`, or `LinkError` if the stream is lost."""
        ...

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte. Raises `DeadlineError`, or `LinkError` if the stream is lost."""
        ...

    def close(self) -> None:
        """Close the stream; closing it twice is harmless."""
        ...
