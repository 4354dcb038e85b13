"""Name what a median hides: outliers, a drift over the samples, two modes.

A finding is a reason to look at the board: throttling, another program, cores of two speeds. No sample is
dropped. Independent samples of one mode are called drifting, or of two modes, in fewer than 1 run of 100,
whatever their distribution: `tests/hil/gate_quality` simulates it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.text import percent

_FENCE = 3.0
"""Interquartile ranges beyond the quartiles from which a sample is far out (Tukey)."""
_DRIFT_P = 0.001
_DRIFT = 0.02
"""Least probability of chance, and least change relative to the median, of a drift."""
_ENOUGH = 40
"""Fewest samples that have a shape."""
_SPLIT = 0.88
"""Least share of the variance between two modes. A uniform distribution has 0.75 between its
halves, a normal one 0.64; the modes of two normal ones that are 5 deviations apart have 0.86 to 0.9."""
_MODE = 0.1
"""Least share of the samples in each mode."""
_APART = 0.02
"""Least distance of two modes, relative to the median."""
_STEPS = 4
"""Least distance of two modes in steps of the clock, as two neighboring ticks are no modes."""


@dataclass(frozen=True)
class Shape:
    """Outliers, drift and modes of samples.

    Attributes:
        outliers: Indices of samples far outside the quartiles, of both sides.
        drift: Change from the first samples to the last, relative to the median; 0 if there is none.
        modes: Centers of two modes, empty if there is one.
    """

    outliers: tuple[int, ...]
    drift: float
    modes: tuple[float, ...]


def shape(values: Sequence[float]) -> Shape:
    """Return the shape of samples in the order they were taken. Fewer than 40 have none."""
    if len(values) < _ENOUGH:
        return Shape((), 0.0, ())
    held = np.asarray(values, float)
    return Shape(outliers(held), drift(held), modes(held))


def described(values: Sequence[float], unit: str) -> str:
    """Return a text about samples that drift or have two modes, with their outliers; empty for others."""
    found, n = shape(values), len(values)
    parts = [f"they drift by {percent(found.drift, '+.1%')}"] if found.drift else []
    parts += (
        [f"they have two modes, {' and '.join(f'{m:,.4g}' for m in found.modes)} {unit}"]
        if found.modes
        else []
    )
    far = [f"outliers: {len(found.outliers)}"] if found.outliers else []
    return f"{n:,} samples, {', '.join(parts + far)}" if parts else ""


def outliers(values: NDArray[Any]) -> tuple[int, ...]:
    """Return the indices of samples that are far outside the quartiles."""
    low, high = np.percentile(values, (25, 75))
    far = _FENCE * (high - low)
    return tuple(int(i) for i in np.flatnonzero((values < low - far) | (values > high + far)))


def drift(values: NDArray[Any]) -> float:
    """Return the relative change over the samples; 0 unless time and value correlate by rank (Spearman)."""
    n = len(values)
    time, ranks = np.arange(n), _ranks(values)
    if np.ptp(ranks) == 0:
        return 0.0
    z = float(np.corrcoef(time, ranks)[0, 1]) * math.sqrt(n - 1)
    third = n // 3
    change = float(np.median(values[-third:]) - np.median(values[:third])) * 1.5  # centers are 2/3 apart
    relative = change / float(np.median(values)) if np.median(values) else 0.0
    real = math.erfc(abs(z) / math.sqrt(2)) < _DRIFT_P and abs(relative) >= _DRIFT
    return relative if real else 0.0


def modes(values: NDArray[Any]) -> tuple[float, ...]:
    """Return the centers of two modes, empty if the samples have one.

    The samples are split where the variance between both parts is largest (Otsu). Outliers are left out, as
    they are no mode.
    """
    ranked = np.sort(np.delete(values, outliers(values)))
    n = len(ranked)
    sums, squares = np.cumsum(ranked), float(np.sum((ranked - ranked.mean()) ** 2))
    counts = np.arange(1, n)
    between = (sums[:-1] - counts * ranked.mean()) ** 2 * n / (counts * (n - counts))
    at = int(np.argmax(between))
    if not squares or between[at] < _SPLIT * squares or min(at + 1, n - at - 1) < _MODE * len(values):
        return ()
    low, high = float(np.median(ranked[: at + 1])), float(np.median(ranked[at + 1 :]))
    steps = np.diff(ranked)
    far = high - low >= max(_APART * float(np.median(ranked)), _STEPS * float(steps[steps > 0].min()))
    return (low, high) if far else ()


def _ranks(values: NDArray[Any]) -> NDArray[Any]:
    """Return the rank of each value, float64 [n]; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last: NDArray[Any] = np.cumsum(counts) - (counts - 1) / 2
    ranks: NDArray[Any] = last[inverse]
    return ranks
