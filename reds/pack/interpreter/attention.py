"""Compute an attention in integers: exponents by a table, and one division for each query of a head.

A score less than the largest one by t / 256 octaves has the weight 2^(-t / 256), of which EXPONENTS has the
fraction. The weights of a query add up to about 2^14.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.pack.interpreter.arithmetic import Read, Sums
from reds.pack.model import Step

STEPS = 256
"""Steps of an octave."""
EXPONENTS = np.rint(32768 * 2.0 ** (-np.arange(STEPS) / STEPS)).astype(np.int64)
"""2^(-i / 256), in units of 2^-15."""
LAST = 16 * STEPS
"""Scores that are so many steps or more below the largest one have the weight 0."""


def attention(step: Step, reads: Sequence[Read], head: int) -> Sums:
    """Return the accumulators of an attention: for each query the weighted sum of the values.

    Args:
        step: The layer in the subnet.
        reads: Queries, keys and values.
        head: Units of a head.
    """
    q, k, v = (_by_head(read, head) for read in reads)
    scores = (q @ k.transpose(0, 1, 3, 2)).astype(np.int64)
    below = (scores.max(axis=-1, keepdims=True) - scores) * int(step.bias[0])
    steps = (below + (1 << 23)) >> 24
    octaves = np.minimum(steps // STEPS, LAST // STEPS)
    weights = np.where(steps < LAST, EXPONENTS[steps % STEPS] >> octaves, 0)
    total = weights.sum(axis=-1, keepdims=True)
    shift = np.floor(np.log2(total)).astype(np.int64) - 15
    reciprocal = (1 << 31) // (total >> shift)
    shares = (weights * reciprocal + (np.int64(1) << (shift + 16))) >> (shift + 17)
    acc: Sums = (shares.astype(np.float64) @ v).astype(np.int64)
    return acc.transpose(0, 2, 1, 3).reshape(reads[0].values.shape)


def _by_head(read: Read, head: int) -> NDArray[np.float64]:
    """Return centered values as float64 [N, heads, positions, units of a head], whose products are exact."""
    x = read.centered.astype(np.float64)
    return x.reshape(len(x), -1, x.shape[-1] // head, head).transpose(0, 2, 1, 3)
