"""Convert real values to int8 and back, with one scale and one zero point for a tensor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reds.pack.model import LIMIT

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standardization:
    """Map features or values x to what a net reads or gives: z = (x - mean) / deviation, each by its own.

    Both are empty for a net that reads and gives them as they are.
    """

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def apply(self, x: ArrayLike) -> Floats:
        """Return standardized features float64 [..., units], of features [..., units]."""
        values = np.asarray(x, np.float64)
        return (values - np.array(self.mean)) / np.array(self.deviation) if self.mean else values

    def undone(self, z: ArrayLike) -> Floats:
        """Return the features or values float64 [..., units] of standardized ones."""
        values = np.asarray(z, np.float64)
        return values * np.array(self.deviation) + np.array(self.mean) if self.mean else values


@dataclass(frozen=True)
class Scale:
    """Map int8 to real values by `real = (q - zero) * scale - mean`; only an input has a mean beside 0."""

    scale: float
    zero: int
    mean: Floats

    def stored(self, x: ArrayLike) -> NDArray[np.int8]:
        """Return real values as the nearest int8, of the same shape; the mean must be 0."""
        q: Floats = np.rint(np.asarray(x, np.float64) / self.scale) + self.zero
        return np.clip(q, -LIMIT, LIMIT).astype(np.int8)


UNCHANGED = Standardization()
"""Standardization of a net that reads its features as they are."""


def range_scale(low: float, high: float) -> Scale:
    """Return the scale that stores values from `low` to `high` in 254 steps, with 0 exactly on a step."""
    scale = (high - low) / (2 * LIMIT)
    return Scale(scale, round(-LIMIT - low / scale), np.zeros(1))
