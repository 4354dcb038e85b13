"""A point in time that work must be done by: handed down whole, so that no step can extend it."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """Seconds of `time.monotonic`. `span` is what it was set to, for messages."""

    at: float
    span: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds, seconds)

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it is too late."""
        return self.left <= 0.0
