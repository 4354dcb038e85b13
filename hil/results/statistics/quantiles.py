"""Compute medians and percentiles of samples, with intervals.

The intervals are between ranks of the sorted samples. Their confidence is that of the binomial
distribution, so it is exact for any distribution of the samples. A bootstrap has no such promise: of 100
samples it never resamples a value above the largest one, so its intervals of a p99 are too short. Samples
must be independent for either; those of a board that slows down are not, which `shape.drift` tells.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

CONFIDENCE = 0.95
"""Confidence of each interval."""


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two middle ones. Raises `ValueError` without values."""
    if not values:
        raise ValueError("no samples")
    ranked, half = sorted(values), len(values) // 2
    return float(ranked[half]) if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


def fast_mean(values: Sequence[float]) -> float:
    """Return the mean of the fastest third of the values. Raises `ValueError` without values.

    Whatever else runs on a machine only slows samples, so the fastest ones are of the measured program alone.
    The least value is not taken: a single sample may be short by a tick of the clock.
    """
    if not values:
        raise ValueError("no samples")
    fastest = sorted(values)[: fastest_third(len(values))]
    return math.fsum(fastest) / len(fastest)


def fastest_third(count: int) -> int:
    """Return the size of the fastest third of so many samples, at least 1."""
    return max(1, count // 3)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least value that `percent` percent of the values do not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no samples")
    return float(sorted(values)[math.ceil(percent * len(values) / 100) - 1])


def percentile_interval(
    values: Sequence[float], percent: float, confidence: float = CONFIDENCE
) -> tuple[float | None, float | None]:
    """Return bounds of the true percentile, None for a bound that so few values do not have.

    Args:
        values: Samples in any order.
        percent: The percentile, above 0 and below 100; 50 is the median.
        confidence: Least probability that the percentile is within the bounds.

    Returns:
        The values at two ranks. Of 100 values the p99 has no upper bound: all may be below it.

    Raises:
        ValueError: There are no values.
    """
    from scipy.special import bdtr  # imported here: it takes longer than most runs judge

    if not values:
        raise ValueError("no samples")
    ranked, n, either = sorted(values), len(values), (1 - confidence) / 2
    at_most = bdtr(np.arange(n + 1), n, percent / 100)  # probability that so many values are below
    low = int(np.searchsorted(at_most, either, side="right"))
    high = int(np.searchsorted(at_most, 1 - either)) + 1
    return (
        float(ranked[low - 1]) if low >= 1 else None,
        float(ranked[high - 1]) if high <= n else None,
    )


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return bounds of the true median with this confidence.

    Fewer than 6 values are too few for 95 %: their range is returned, which holds the median with a
    confidence of 1 - 2 / 2^n.
    """
    low, high = percentile_interval(values, 50, confidence)
    return (min(values) if low is None else low, max(values) if high is None else high)


def relative_half_width(values: Sequence[float]) -> float:
    """Return half of the width of the median's interval as a share of the median; infinite if it has none.

    A clock of coarse ticks tells a median no better than half a tick, so the least difference of two values
    is the least width.
    """
    low, high = percentile_interval(values, 50)
    middle = median(values)
    if low is None or high is None or not middle:
        return math.inf
    tick = min((b - a for a, b in pairwise(sorted(set(values)))), default=0.0)
    return max(high - low, tick) / 2 / middle
