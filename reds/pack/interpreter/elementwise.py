"""Compute the layers whose outputs depend on one value of each input."""

import numpy as np

from reds.pack.interpreter.arithmetic import Read, Sums
from reds.pack.model import IntegerLayer, Step


def add(step: Step, a: Read, b: Read) -> Sums:
    """Return the sum of two tensors, each times its factor; sides of 1 of the second are repeated."""
    factor_a, factor_b = step.factors
    return factor_a * a.values.astype(np.int64) + factor_b * b.values.astype(np.int64) + step.bias


def multiply(a: Read, b: Read) -> Sums:
    """Return the product of two tensors; sides of 1 of the second are repeated."""
    return a.centered * b.centered


def prelu(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return sixteen times the distance of each value from zero."""
    return 16 * read.centered


def embed(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the sum of a tensor and the constants of its positions, each times its factor.

    Positions in front hold the zero point of the input.
    """
    x, constants = read.values, layer.subnet_weights(step).astype(np.int64)
    if layer.front:
        front = np.full((len(x), layer.front, step.units_in), read.zero, np.int8)
        x = np.concatenate([front, x.reshape(len(x), -1, step.units_in)], axis=1)[:, :, None]
    factor_x, factor_w = step.factors
    return factor_x * x.astype(np.int64) + factor_w * constants.reshape(1, *x.shape[1:]) + step.bias
