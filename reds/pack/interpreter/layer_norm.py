"""Compute a layer norm in integers: the reciprocal of a standard deviation, without a division by it.

Of the C units x of a position, with sum S and sum of squares Q, the number D = C Q - S^2 + E is C^2 times the
variance plus epsilon. So (C x - S) / sqrt(D) is the normalized value, here with 12 bits behind the point.
"""

import numpy as np

from reds.pack.interpreter.arithmetic import Read, Sums
from reds.pack.model import IntegerLayer, Step

ROOT_BITS = 62
"""D is scaled by the largest power of 4 that keeps it below 2^62, so that its root has 31 bits."""
RECIPROCAL = 1 << 61
POINT = 49
"""R is 2^61 / (2^k sqrt(D)), so (C x - S) R / 2^(49 - k) has 12 bits behind the point."""


def layer_norm(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the normalized values plus the biases of the units: [N, height, width, units]."""
    wide, units = read.values.astype(np.int64), step.units_in
    total, squares = wide.sum(axis=-1, keepdims=True), (wide * wide).sum(axis=-1, keepdims=True)
    spread = units * squares - total * total + int(step.bias[-1])
    k = (ROOT_BITS - np.frexp(spread.astype(np.float64))[1].astype(np.int64)) // 2
    reciprocal = RECIPROCAL // square_root(spread << (2 * k))
    shift = POINT - k
    normal: Sums = ((units * wide - total) * reciprocal + (np.int64(1) << (shift - 1))) >> shift
    return normal + step.bias[:-1]


def square_root(values: Sums) -> Sums:
    """Return the largest integers whose squares are at most the values, which are below 2^62."""
    root = np.sqrt(values.astype(np.float64)).astype(np.int64)
    root -= root * root > values
    return root + ((root + 1) * (root + 1) <= values)
