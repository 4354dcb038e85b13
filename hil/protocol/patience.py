"""Limit how long the answers of a board may take: each alone, and all of them together.

A request has work to do: inferences to run, bytes to carry. Its answer may come `seconds` later than that.
What answers take beyond their work and a small share adds up, and quick answers make up for slow ones. A
board whose answers are late by `total` is given up. So all requests of a board end within the sum of their
work and shares, and `total`, even if each of them keeps its own deadline by a hair.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hil.transports.deadline import Deadline

ANSWER_SECONDS = 5.0
"""Seconds that an answer may take if it does not run the network."""
BYTES = 50_000
"""Bytes that may take as long as one answer: the slowest link carries 10 kB a second."""
_SHARE = 1 / 20
"""Part of `seconds` that every answer may take without being late."""
_TOTAL = 12
"""Answers of `seconds` that a board may be late by, all together."""


class Patience:
    """Grants each request of a board its deadline. An answer may take `seconds` beyond its work."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self.seconds = seconds
        self.total = _TOTAL * seconds
        """Seconds that all answers together may be late."""
        self._late = 0.0

    @property
    def over(self) -> bool:
        """Return whether the answers so far were too late, all together."""
        return self._late >= self.total

    @contextmanager
    def granted(self, work: float, size: int) -> Iterator[Deadline]:
        """Give a request its deadline, and add up by how much it was late.

        Args:
            work: Seconds that its inferences may take.
            size: Bytes that it and its answers carry.
        """
        work += size * self.seconds / BYTES
        begun = time.monotonic()
        try:
            yield Deadline.after(math.ceil(10 * (work + self.seconds)) / 10)
        finally:
            late = time.monotonic() - begun - work - self.seconds * _SHARE
            self._late = max(0.0, self._late + late)
