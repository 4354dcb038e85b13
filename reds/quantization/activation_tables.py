"""Quantize the function that a layer ends in as a table: each byte that the layer writes becomes another.

The bytes that a table reads have a scale of their own. A function that saturates, as a sigmoid does, needs no
bytes for values far out, so they are left to those in between.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from reds.elastic.activations import activate
from reds.graph import Activation
from reds.pack.model import LIMIT
from reds.pack.scale import Floats, Scale

POINTS = 1024
"""Places of a range at which a function is looked at, on each side of 0."""
LOSSES = 2.0 ** np.arange(-2, 4)
"""The errors at saturated ends that are compared, in steps of the output."""


def output_ends(activation: Activation, low: float, high: float) -> tuple[float, float]:
    """Return the smallest and the largest value of a function between two numbers and 0."""
    y = _values(activation, _points(low, high))
    return float(y.min()), float(y.max())


def read_ends(activation: Activation, low: float, high: float, step: float) -> tuple[float, float]:
    """Return the range of the bytes that a table reads: where it ends, the function is almost saturated.

    A narrow range errs at its ends, a wide one everywhere, because its bytes are far apart. The range with
    the smallest error in the worst place is chosen.

    Args:
        activation: The function.
        low: Smallest value that the layer writes; 0 if it is above 0.
        high: Largest value.
        step: Step of the bytes that the table writes.
    """
    x = _points(low, high)
    y = _values(activation, x)
    slope = np.abs(np.diff(y) / np.maximum(np.diff(x), 1e-30)).max()
    best = (np.inf, float(x[0]), float(x[-1]))
    for loss in [0.0, *step * LOSSES]:
        first = min(_flat(y, loss), POINTS)
        last = max(len(y) - 1 - _flat(y[::-1], loss), POINTS)
        rounding = (x[last] - x[first]) / (4 * LIMIT) * slope
        best = min(best, (max(float(rounding), float(loss)), float(x[first]), float(x[last])))
    return best[1:]


def activation_table(activation: Activation, read: Scale, target: Scale) -> NDArray[np.int8]:
    """Return the bytes written for each byte read, int8 [256], that for -128 first, which no layer writes.

    Args:
        activation: The function.
        read: Scale of the bytes that the table reads.
        target: Scale of the bytes that it writes.
    """
    table = target.stored(_values(activation, (np.arange(-128.0, 128) - read.zero) * read.scale))
    table[0] = 0
    return table


def _flat(y: Floats, loss: float) -> int:
    """Return the last place up to which all values differ from the value there by no more than the loss."""
    below, above = y - np.minimum.accumulate(y), np.maximum.accumulate(y) - y
    far = (np.maximum(below, above) > loss).nonzero()[0]
    return int(far[0]) - 1 if len(far) else len(y) - 1


def _points(low: float, high: float) -> Floats:
    """Return ascending places from `low` to 0 and from 0 to `high`, closest together at 0."""
    far = np.linspace(0, 1, POINTS + 1) ** 3
    return np.concatenate([min(low, 0) * far[:0:-1], max(high, 0) * far])


def _values(activation: Activation, x: Floats) -> Floats:
    return np.asarray(activate(activation, torch.from_numpy(x)).numpy())
