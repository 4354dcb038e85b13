"""Define the arithmetic that all layers share: exact sums, and one rule of requantization.

`y = clamp(zero + ((acc * multiplier + 2^31) >> 32), -127, 127)`, where acc is the exact integer sum including
the bias.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.pack.model import LIMIT

Values = NDArray[np.int8]
"""A tensor of a batch: int8 [N, height, width, units]."""
Sums = NDArray[np.int64]
"""Accumulators, bias included: int64 [N, height, width, units]."""


@dataclass(frozen=True)
class Read:
    """A tensor as a layer of a subnet reads it."""

    values: Values
    zero: int
    """Zero point of the values."""
    kept: tuple[int, ...] = ()
    """Units of the tensor that each subnet keeps, from the smallest one to this one, for a
    concatenation. Without them the subnet counts as the only one."""

    @property
    def centered(self) -> Sums:
        """Return the values less their zero point."""
        return self.values.astype(np.int64) - self.zero


def requantize(acc: Sums, multiplier: NDArray[np.int32], zero: int) -> Values:
    """Return accumulators as int8.

    Args:
        acc: The accumulators [..., units].
        multiplier: Their multipliers, in a shape that broadcasts to theirs.
        zero: The zero point of the result.
    """
    y: NDArray[np.int64] = acc * multiplier.astype(np.int64)
    y += 1 << 31  # in place: a build spends much of its time here
    y >>= 32
    y += zero
    return np.clip(y, -LIMIT, LIMIT, out=y).astype(np.int8)


def product(x: NDArray[np.int8], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return x [..., fan_in] times weights [out, fan_in], exactly.

    A float64 matrix product is exact here, because sums stay below 2^31.
    """
    return (x.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)
