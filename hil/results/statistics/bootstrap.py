"""Bound a statistic that has no exact interval."""

from collections.abc import Sequence

import numpy as np

from hil.results.statistics.quantiles import CONFIDENCE

_SEED = 0
_RESAMPLES = 1000
_AT_ONCE = 1 << 22
"""Most resampled values that are held at once."""


def middle_mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return bounds of the true middle mean, the same for the same values: a seeded percentile bootstrap.

    A middle mean is a mean of many values, for which BCa would correct next to nothing.

    Args:
        values: Samples in any order.
        confidence: Probability that the middle mean is within the bounds.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no samples")
    held, rng = np.asarray(values, float), np.random.default_rng(_SEED)
    n, batch, cut = len(held), max(1, _AT_ONCE // len(held)), len(held) // 4
    means: list[float] = []
    while len(means) < _RESAMPLES:
        drawn = held[rng.integers(0, n, (min(batch, _RESAMPLES - len(means)), n))]
        means += np.sort(drawn, axis=1)[:, cut : n - cut].mean(axis=1).tolist()
    either = 50 * (1 - confidence)
    low, high = np.percentile(means, (either, 100 - either))
    return float(low), float(high)
