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

    def at_most(self, seconds: float) -> "Deadline":
        """Return this deadline, or the one so many seconds from now if that is earlier."""
        return min(self, Deadline.after(seconds), key=lambda deadline: deadline.at)

    def remaining(self) -> float:
        """Return the seconds left for the next wait.

        Raises:
            TimeoutError: No time is left. So a read ends at its deadline even if bytes come without end.
        """
        if self.passed:
            raise TimeoutError(f"the {self.span:g} s are over")
        return self.left

    @property
    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Return whether no time is left."""
        return self.left <= 0.0
