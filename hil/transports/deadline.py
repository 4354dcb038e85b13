"""Give work one deadline, handed down unchanged, so that no step can extend it."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """A point in seconds of `time.monotonic`. `span` is the seconds it was set to, for errors."""

    at: float
    span: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline so many seconds from now."""
        return cls(time.monotonic() + seconds, seconds)

    @property
    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Return whether no time is left."""
        return self.left <= 0.0
