"""Find parts that are scaled unlike the training part, as pixels up to 255 beside others up to 1 are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import Part

FAR_SHARE = 0.05
"""Share of the values of a unit that may lie outside the training part's by more than the range of these."""
CENTRAL = (5, 95)
"""Percentiles between which a few far values change nothing."""
NARROW, LEAST_VALUES = 1 / 8, 32
"""A part is narrow if no unit has this share of its spread in the training part, in so many values."""
SEEN = 1 << 16
"""Most values of a unit that are looked at, about."""


def range_notes(parts: Mapping[str, Part]) -> tuple[str, ...]:
    """Return a sentence on each part whose values lie elsewhere than those of the training part.

    Args:
        parts: `train`, `test` and optionally `validation`.
    """
    train = parts["train"].x.reshape(-1, parts["train"].x.shape[-1])
    low, high, spread = train.min(0).astype(float), train.max(0).astype(float), _spreads(_seen(train))
    notes = []
    for name, values in ((name, _seen(part.x)) for name, part in parts.items() if name != "train"):
        far = (values < 2 * low - high) | (values > 2 * high - low)
        unit = int(far.mean(0).argmax())
        if far[:, unit].mean() > FAR_SHARE:
            one = values[far[:, unit], unit][0]
            notes.append(
                f"{far[:, unit].mean():.0%} of the {name} part's values of unit {unit} lie far outside the"
                f" training part's {low[unit]:g} to {high[unit]:g}, as {one:g}: scale all parts alike, and"
                " fill in missing values"
            )
        elif len(values) >= LEAST_VALUES and _is_narrow(_spreads(values), spread):
            notes.append(
                f"most of the {name} part's features lie within {_spreads(values).max():.2g}, of the training"
                f" part's within {spread.max():.2g}: scale all parts alike"
            )
    return tuple(notes)


def _seen(x: NDArray[Any]) -> NDArray[Any]:
    """Return some of the features, as [values, units]. An odd step meets all rows and columns of pictures."""
    values = x.reshape(-1, x.shape[-1])
    return values[:: len(values) // SEEN | 1]


def _is_narrow(found: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
    """Return whether the spreads of a part are far below those of the training part, where this varies."""
    varying = expected > 0
    return bool(varying.any() and (found[varying] < NARROW * expected[varying]).all())


def _spreads(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far apart most values of each unit lie."""
    first, last = np.percentile(values, CENTRAL, axis=0)
    return np.asarray(last - first)
