"""Bound a statistic that has no exact interval."""

from collections.abc import Sequence

import numpy as np

from hil.results.statistics.quantiles import CONFIDENCE, fastest_third

_SEED = 0
_RESAMPLES = 1000
_AT_ONCE = 1 << 22
"""Most resampled values that are held at once."""


def fast_mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return bounds of the true mean of the fastest third of values, by a seeded percentile bootstrap.

    They are the same for the same values. For such a mean BCa would correct next to nothing.

    Args:
        values: Samples in any order.
        confidence: Probability that the mean of the fastest third is within the bounds.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no samples")
    held, rng = np.asarray(values, float), np.random.default_rng(_SEED)
    n, fast, batch = len(held), fastest_third(len(held)), max(1, _AT_ONCE // len(held))
    means: list[float] = []
    while len(means) < _RESAMPLES:
        drawn = held[rng.integers(0, n, (min(batch, _RESAMPLES - len(means)), n))]
        drawn.partition(fast - 1, axis=1)  # a report draws some hundred intervals, so nothing is sorted
        means += drawn[:, :fast].mean(axis=1).tolist()
    either = 50 * (1 - confidence)
    low, high = np.percentile(means, (either, 100 - either))
    return float(low), float(high)
