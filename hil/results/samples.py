"""Hold the samples of a board, and compute statistics of them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hil.protocol.hello import Clock

COUNTS = ("cycles", "instructions")
"""Clocks whose raw counts are figures of their own."""


@dataclass(frozen=True)
class Samples:
    """Ticks of one clock, in the order of the samples, without the ticks of reading the clock."""

    clock: Clock
    ticks: tuple[int, ...]

    @property
    def microseconds(self) -> tuple[float, ...]:
        """Return the samples in microseconds. Only for a clock that counts time."""
        return tuple(self.clock.microseconds(t) for t in self.ticks)


def by_unit(samples: Iterable[Samples]) -> dict[str, tuple[float, ...]]:
    """Return the values of one measurement by unit: us for clocks that count time, and raw counts."""
    values: dict[str, tuple[float, ...]] = {}
    for taken in samples:
        if taken.clock.hz:
            values["us"] = taken.microseconds
        if taken.clock.name in COUNTS:
            values[taken.clock.name] = taken.ticks
    return values


def less_overhead(ticks: Sequence[int], overhead: int) -> tuple[int, ...]:
    """Subtract the ticks of reading the clock; a shorter sample counts as 0."""
    return tuple(max(0, t - overhead) for t in ticks)


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two middle ones. Raises `ValueError` without values."""
    if not values:
        raise ValueError("no samples")
    ranked, half = sorted(values), len(values) // 2
    return float(ranked[half]) if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


def median_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return bounds of the true median with at least this confidence, for any distribution.

    The bounds are ranks of the binomial distribution with p = 1/2. Too few samples give the whole range.
    """
    if not values:
        raise ValueError("no samples")
    ranked, n = sorted(values), len(values)
    below, rank = 0.0, 0
    while rank < (n - 1) // 2 and below + math.comb(n, rank) / 2**n <= (1 - confidence) / 2:
        below += math.comb(n, rank) / 2**n
        rank += 1
    low = max(0, rank - 1)
    return float(ranked[low]), float(ranked[n - 1 - low])
