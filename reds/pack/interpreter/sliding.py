"""Compute the layers that slide a window over their input, and dense ones."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reds.pack.interpreter.arithmetic import Read, Sums, Values, product
from reds.pack.model import IntegerLayer, Step, TensorShape

LOWEST = -128
"""Padding of a max pool, which is less than any value."""


def windows(layer: IntegerLayer, x: Values, fill: int) -> Values:
    """Return the input window of each output position.

    Args:
        layer: The layer, which gives kernel, stride, padding and dilation.
        x: The tensor that it reads.
        fill: The value of the padding.

    Returns:
        A view, int8 [N, height, width, units, kernel rows, kernel columns].
    """
    top, left, bottom, right = layer.padding
    sides = ((0, 0), (top, bottom), (left, right), (0, 0))
    every = sliding_window_view(np.pad(x, sides, constant_values=fill), layer.span, axis=(1, 2))
    (down, across), (rows, columns) = layer.stride, layer.dilation
    return every[:, ::down, ::across, :, ::rows, ::columns]


def dense(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the accumulators of a dense layer: [N, 1, 1, units_in] -> [N, 1, 1, units_out]."""
    return product(read.values, layer.subnet_weights(step)) + step.bias


def conv(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the accumulators of a convolution: every output unit has a kernel over all input units."""
    return _mixed(windows(layer, read.values, read.zero), layer.subnet_weights(step)) + step.bias


def depthwise(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the accumulators of a depthwise convolution: every unit has a kernel of its own.

    Weight by weight, in 32 bits, takes half of the time of an einsum. Sums stay below 2^31.
    """
    kernels = layer.subnet_weights(step).reshape(step.units_out, *layer.kernel).astype(np.int32)
    every = windows(layer, read.values, read.zero)
    acc = np.zeros(every.shape[:4], np.int32)
    for i, j in np.ndindex(*layer.kernel):
        acc += every[..., i, j] * kernels[:, i, j]
    return acc.astype(np.int64) + step.bias


def grouped(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the accumulators of a grouped convolution: a block of units reads one block of the input."""
    weights, every = layer.subnet_weights(step), windows(layer, read.values, read.zero)
    inside = weights.shape[1] // layer.taps
    blocks = step.units_in // inside
    rows, acc = weights.reshape(blocks, -1, weights.shape[1]), []
    for block in range(blocks):
        acc.append(_mixed(every[..., block * inside : (block + 1) * inside, :, :], rows[block]))
    return np.concatenate(acc, axis=-1) + step.bias


def transposed(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the accumulators of a transposed convolution: one of stride 1 over the input spread out."""
    (down, across), (rows, columns), x = layer.stride, layer.kernel, read.values
    spread = (x.shape[1] - 1) * down + 1, (x.shape[2] - 1) * across + 1
    top, left, bottom, right = layer.padding
    height, width = spread[0] + 2 * rows - 2 - top - bottom, spread[1] + 2 * columns - 2 - left - right
    padded = np.full((len(x), height, width, x.shape[3]), read.zero, np.int8)
    top, left = rows - 1 - top, columns - 1 - left
    padded[:, top : top + spread[0] : down, left : left + spread[1] : across] = x
    every = sliding_window_view(padded, layer.kernel, axis=(1, 2))
    return _mixed(every, layer.subnet_weights(step)) + step.bias


def average_pool(layer: IntegerLayer, step: Step, read: Read) -> Sums:
    """Return the sum of each window times the factor. Requantization divides by the window's size."""
    total: Sums = windows(layer, read.values, read.zero).sum(axis=(4, 5), dtype=np.int64)
    return step.factors[0] * total + step.bias


def max_pool(layer: IntegerLayer, step: Step, read: Read, target: TensorShape) -> Values:
    """Return the maximum of each window. Scale and zero point stay the same."""
    largest: Values = windows(layer, read.values, LOWEST).max(axis=(4, 5))
    return largest


def _mixed(every: Values, weights: NDArray[np.int8]) -> Sums:
    """Return windows [N, height, width, units, kernel] times weights [out, kernel * units]."""
    columns = every.transpose(0, 1, 2, 4, 5, 3)
    return product(columns.reshape(*columns.shape[:3], -1), weights)
