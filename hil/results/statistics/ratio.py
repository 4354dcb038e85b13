"""Bound how much slower one set of samples is than another."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.results.statistics.quantiles import CONFIDENCE

_SEED = 0
_RESAMPLES = 1000
_AT_ONCE = 1 << 22
"""Most resampled values that are held at once."""


def ratio_interval(
    now: Sequence[float], before: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return bounds of the ratio of the middle means of `now` and `before`, the same for the same samples.

    No exact interval exists for such a ratio, so both are resampled: a seeded percentile bootstrap. Both are
    means of many samples, for which BCa would correct next to nothing.

    Args:
        now: Samples above 0 of this run.
        before: Samples above 0 of an earlier run, in the same unit.
        confidence: Probability that the ratio is within the bounds.

    Raises:
        ValueError: There are no samples, or most are not above 0.
    """
    ratios = _middle_means(now, 0) / _middle_means(before, 1)
    either = 50 * (1 - confidence)
    low, high = np.percentile(ratios, (either, 100 - either))
    return float(low), float(high)


def _middle_means(values: Sequence[float], stream: int) -> NDArray[Any]:
    """Return the middle means of resampled values, float64 [resamples]."""
    if not values:
        raise ValueError("no samples")
    held, rng = np.asarray(values, float), np.random.default_rng((_SEED, stream))
    if not np.percentile(held, 25) > 0:
        raise ValueError(f"a quarter of the samples is {np.percentile(held, 25):g} or less; 0 is too few")
    n, batch, cut = len(held), max(1, _AT_ONCE // len(held)), len(held) // 4
    means = []
    for done in range(0, _RESAMPLES, batch):
        drawn = held[rng.integers(0, n, (min(batch, _RESAMPLES - done), n))]
        means.append(np.sort(drawn, axis=1)[:, cut : n - cut].mean(axis=1))
    return np.concatenate(means)
