"""Run a pack in numpy, bit for bit as every device does.

This is the reference: kernels on every device are tested equal to it. So it is written to be read, not to be
fast. Every value is requantized by one rule, where acc is the exact integer sum including the bias:
`y = clamp(zero + ((acc * multiplier + 2^31) >> 32), -127, 127)`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reds.pack.model import LIMIT, IntegerLayer, Kind, Model, Step, TensorShape

CHUNK_VALUES = 1 << 24
"""Values that the windows of one layer read at once: examples run in parts, so that memory is bounded."""
Values = NDArray[np.int8]
"""A tensor of a batch: int8 [N, height, width, units]."""
Sums = NDArray[np.int64]
"""Accumulators, bias included: int64 [N, height, width, units]."""


def requantize(acc: Sums, step: Step) -> Values:
    """Return accumulators [..., rows] as int8, by the subnet's multipliers and zero point."""
    y: NDArray[np.int64] = acc * step.multiplier.astype(np.int64)
    y += 1 << 31  # in place: a build spends much of its time here
    y >>= 32
    y += step.kernel_zero
    return np.clip(y, -LIMIT, LIMIT, out=y).astype(np.int8)


def windows(layer: IntegerLayer, x: Values, zero: int) -> Values:
    """Return the input window of each output position.

    Args:
        layer: The layer, which gives kernel, stride and padding.
        x: The tensor that it reads.
        zero: The zero point of the tensor, which fills the padding.

    Returns:
        A view, int8 [N, height, width, units, kernel rows, kernel columns].
    """
    top, left, bottom, right = layer.padding
    sides = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(x, sides, constant_values=zero)
    every_window = sliding_window_view(padded, layer.kernel, axis=(1, 2))
    down, across = layer.stride
    return every_window[:, ::down, ::across]


def product(x: NDArray[np.int8], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return x [..., fan_in] times weights [out, fan_in], exactly.

    A float64 matrix product is exact here, because sums stay below 2^31.
    """
    return (x.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)


def _dense(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Sums:
    """Return the accumulators of a dense layer: [N, 1, 1, units_in] -> [N, 1, 1, units_out]."""
    return product(x, layer.subnet_weights(step)) + step.bias


def _conv(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Sums:
    """Return the accumulators of a convolution: every output unit has a kernel over all input units."""
    columns = windows(layer, x, zero).transpose(0, 1, 2, 4, 5, 3)
    return product(columns.reshape(*columns.shape[:3], -1), layer.subnet_weights(step)) + step.bias


def _depthwise(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Sums:
    """Return the accumulators of a depthwise convolution: every unit has a kernel of its own.

    Weight by weight, in 32 bits, takes half of the time of an einsum. Sums stay below 2^31.
    """
    kernels = layer.subnet_weights(step).reshape(step.units_out, *layer.kernel).astype(np.int32)
    read = windows(layer, x, zero)
    acc = np.zeros(read.shape[:4], np.int32)
    for i, j in np.ndindex(*layer.kernel):
        acc += read[..., i, j] * kernels[:, i, j]
    return acc.astype(np.int64) + step.bias


def _average_pool(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Sums:
    """Return the sum of each window times the factor. Requantization divides by the window's size."""
    total: Sums = windows(layer, x, zero).sum(axis=(4, 5), dtype=np.int64)
    return step.factors[0] * total + step.bias


def _add(step: Step, a: Values, b: Values) -> Sums:
    """Return the sum of two tensors of one shape, each times its factor."""
    factor_a, factor_b = step.factors
    return factor_a * a.astype(np.int64) + factor_b * b.astype(np.int64) + step.bias


def _max_pool(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Values:
    """Return the maximum of each window. Scale and zero point stay the same."""
    largest: Values = windows(layer, x, zero).max(axis=(4, 5))
    return largest


def _flatten(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Values:
    """Return the positions of one unit after the other: [N, 1, 1, units * positions]."""
    return x.transpose(0, 3, 1, 2).reshape(len(x), 1, 1, step.units_out)


_ACCUMULATING = {
    Kind.DENSE: _dense,
    Kind.CONV: _conv,
    Kind.DEPTHWISE: _depthwise,
    Kind.AVERAGE_POOL: _average_pool,
}
_COPYING = {Kind.MAX_POOL: _max_pool, Kind.FLATTEN: _flatten}


def accumulators(layer: IntegerLayer, step: Step, inputs: Sequence[Values], zero: int) -> Sums:
    """Return a layer's accumulators, before requantization.

    Args:
        layer: A layer of one of the kinds `REQUANTIZED`.
        step: The layer in one subnet.
        inputs: The tensors that it reads.
        zero: The zero point of the first of them, which fills the padding.
    """
    if layer.kind is Kind.ADD:
        return _add(step, *inputs)
    return _ACCUMULATING[layer.kind](layer, step, inputs[0], zero)


def run_layer(layer: IntegerLayer, step: Step, inputs: Sequence[Values], zero: int) -> Values:
    """Return the output of a layer of any kind in one subnet.

    Args:
        layer: The layer.
        step: The layer in one subnet.
        inputs: The tensors that it reads.
        zero: The zero point of the first of them, which fills the padding.
    """
    if layer.kind in _COPYING:
        y = _COPYING[layer.kind](layer, step, inputs[0], zero)
    else:
        y = requantize(accumulators(layer, step, inputs, zero), step)
    return y if step.activation is None else step.activation.table[y.astype(np.int16) + 128]


def clamp_input(x: NDArray[np.int8]) -> NDArray[np.int8]:
    """Clamp inputs to [-127, 127], as the host does before it sends them; speech features may hold -128."""
    return np.maximum(x, -LIMIT).astype(np.int8)


def run(model: Model, subnet: int, x: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the outputs of one subnet.

    Args:
        model: The integer network.
        subnet: The index of the subnet.
        x: int8 [N, input_size], clamped to [-127, 127].

    Returns:
        int8 [N, output_size].

    Raises:
        ValueError: The inputs have another shape or type.
    """
    _check_inputs(model, x)
    largest = max(
        model.tensors[layer.output].positions * layer.taps * model.tensors[layer.inputs[0]].units
        for layer in model.layers
    )
    part, last = max(1, CHUNK_VALUES // largest), len(model.layers)
    parts = [trace(model, subnet, x[i : i + part])[last] for i in range(0, max(1, len(x)), part)]
    return np.concatenate(parts).reshape(len(x), model.output_size(subnet))


def trace(model: Model, subnet: int, x: NDArray[np.int8]) -> dict[int, Values]:
    """Return every tensor of one subnet's inferences by its index, without those that it leaves out.

    Args:
        model: The integer network.
        subnet: The index of the subnet.
        x: int8 [N, input_size], clamped to [-127, 127].

    Raises:
        ValueError: The inputs have another shape or type.
    """
    _check_inputs(model, x)
    shape: TensorShape = model.tensors[0]
    tensors = {0: clamp_input(x).reshape(len(x), shape.height, shape.width, shape.units)}
    rooms = model.rooms(subnet)
    for step in model.subnets[subnet].steps:
        layer = model.layers[step.layer]
        inputs = [tensors[rooms[i].holds] for i in layer.inputs]
        tensors[layer.output] = run_layer(layer, step, inputs, rooms[layer.inputs[0]].zero)
    return {tensor: tensors[room.holds] for tensor, room in enumerate(rooms) if room.units}


def _check_inputs(model: Model, x: NDArray[np.int8]) -> None:
    n = model.input_size
    if x.dtype != np.int8 or x.ndim != 2 or x.shape[1] != n:
        raise ValueError(
            f"{model.name}: inputs are {x.dtype} {list(x.shape)}: int8 [N, {n}] is needed, {n} bytes an input"
        )
