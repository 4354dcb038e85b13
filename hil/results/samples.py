"""Hold the samples of a board."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hil.protocol.hello import Clock
from hil.results.statistics.quantiles import median, percentile

COUNTS = ("cycles", "instructions", "flash_words")
"""Clocks whose raw counts are figures of their own."""


@dataclass(frozen=True)
class Samples:
    """Ticks of one clock, in the order of the samples, without the ticks of reading the clock."""

    clock: Clock
    ticks: tuple[int, ...]
    provenance: str
    """`hardware` or `emulated`."""

    @property
    def microseconds(self) -> tuple[float, ...]:
        """Return the samples in microseconds. Only for a clock that counts time."""
        return tuple(self.clock.microseconds(t) for t in self.ticks)

    @property
    def unit(self) -> str:
        """Unit of the values: `us` for a clock that counts time, else the events it counts."""
        return "us" if self.clock.hz else self.clock.name

    @property
    def values(self) -> tuple[float, ...]:
        """Return the samples in `unit`, in the order they were taken."""
        return self.microseconds if self.clock.hz else self.ticks

    @property
    def median(self) -> float:
        """Median of the values. Raises `ValueError` without samples."""
        return median(self.values)

    @property
    def p95(self) -> float:
        """Return the value that 95 % of the samples do not exceed. Raises `ValueError` without samples."""
        return percentile(self.values, 95)

    @property
    def worst(self) -> float:
        """Return the largest value. Raises `ValueError` without samples."""
        return max(self.values)

    def __str__(self) -> str:
        if not self.ticks:
            return f"no samples ({self.provenance})"
        figures = f"median {self.median:,.2f}, p95 {self.p95:,.2f}, worst {self.worst:,.2f} {self.unit}"
        return f"{figures} ({len(self.ticks)} samples, {self.provenance})"


@dataclass(frozen=True)
class SwitchSamples:
    """Samples of n switches: the select itself, the first inference after it, and its outputs [n, output].

    `rows` [n] holds the index of the input of each of these inferences.
    """

    select: Samples
    first: Samples
    outputs: NDArray[np.int8]
    rows: NDArray[np.intp]


@dataclass(frozen=True)
class LayerSamples:
    """Samples of each layer of n inferences, and the ticks that reading the clock takes."""

    layers: tuple[Samples, ...]
    overhead: int


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
