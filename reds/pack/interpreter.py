"""The bit-exact interpreter of a pack: the norm that every kernel on every device is held against.

numpy only, and written to be read. The rule, for each value written:
`y = clamp(z + ((acc * m + 2^31) >> 32), -127, 127)`, acc the exact sum including the bias.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reds.pack.model import LIMIT, IntegerLayer, Kind, Model, Step, TensorShape

Values = NDArray[np.int8]
"""A tensor of a batch: int8 [N, height, width, units]."""
Sums = NDArray[np.int64]
"""Accumulators, bias included: [N, height, width, units]."""


def requantize(acc: Sums, step: Step) -> Values:
    """Bring accumulators [..., rows] back to int8 by the subnet's multipliers and zero point."""
    scaled = (acc * step.multiplier.astype(np.int64) + (1 << 31)) >> 32
    y: NDArray[np.int64] = np.clip(step.zero + scaled, -LIMIT, LIMIT)
    return y.astype(np.int8)


def windows(layer: IntegerLayer, x: Values, zero: int) -> Values:
    """What each window sees: [N, height, width, units, kernel rows, kernel columns]; padding is `zero`."""
    top, left, bottom, right = layer.padding
    sides = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(x, sides, constant_values=zero)
    seen = sliding_window_view(padded, layer.kernel, axis=(1, 2))
    down, across = layer.stride
    return seen[:, ::down, ::across]


def product(x: NDArray[np.int8], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """x [..., fan_in] times weights [out, fan_in]: exact, |sum| < 2^31, by the float64 matrix product."""
    return (x.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)


def dense(layer: IntegerLayer, step: Step, x: Values, _: int) -> Sums:
    """[N, 1, 1, units_in] -> [N, 1, 1, units_out]."""
    return product(x, layer.live(step)) + step.bias


def conv(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Sums:
    """Windows of all units read against one kernel for each unit written."""
    seen = windows(layer, x, zero).transpose(0, 1, 2, 4, 5, 3)
    return product(seen.reshape(*seen.shape[:3], -1), layer.live(step)) + step.bias


def depthwise(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Sums:
    """Windows of each unit against its own kernel."""
    kernels = layer.live(step).reshape(step.units_out, *layer.kernel)
    acc: Sums = np.einsum("nhwuij,uij->nhwu", windows(layer, x, zero), kernels, dtype=np.int64)
    return acc + step.bias


def average_pool(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Sums:
    """The sum of each window by the factor; the multiplier holds the division."""
    total: Sums = windows(layer, x, zero).sum(axis=(4, 5), dtype=np.int64)
    return step.factors[0] * total + step.bias


def add(step: Step, a: Values, b: Values) -> Sums:
    """Two tensors of one shape, each by its factor."""
    one, two = step.factors
    return one * a.astype(np.int64) + two * b.astype(np.int64) + step.bias


def max_pool(layer: IntegerLayer, step: Step, x: Values, zero: int) -> Values:
    """The largest of each window, as it is."""
    largest: Values = windows(layer, x, zero).max(axis=(4, 5))
    return largest


def flatten(layer: IntegerLayer, step: Step, x: Values, _: int) -> Values:
    """[N, height, width, units] -> [N, 1, 1, units * sites], unit by unit."""
    return x.transpose(0, 3, 1, 2).reshape(len(x), 1, 1, step.units_out)


SUMMING = {
    Kind.DENSE: dense,
    Kind.CONV: conv,
    Kind.DEPTHWISE: depthwise,
    Kind.AVERAGE_POOL: average_pool,
}
MOVING = {Kind.MAX_POOL: max_pool, Kind.FLATTEN: flatten}


def sums(layer: IntegerLayer, step: Step, read: Sequence[Values], zero: int) -> Sums:
    """Accumulators of a layer that ends in the rounding rule; `zero` is the zero point of what it reads."""
    return add(step, *read) if layer.kind is Kind.ADD else SUMMING[layer.kind](layer, step, read[0], zero)


def run_layer(layer: IntegerLayer, step: Step, read: Sequence[Values], zero: int) -> Values:
    """What a layer writes in a subnet; arguments as of `sums`."""
    if layer.kind in MOVING:
        return MOVING[layer.kind](layer, step, read[0], zero)
    return requantize(sums(layer, step, read, zero), step)


def clamp_input(x: NDArray[np.int8]) -> NDArray[np.int8]:
    """What the host does to inputs before they are sent: speech features do hold -128."""
    return np.maximum(x, -LIMIT).astype(np.int8)


def run(model: Model, subnet: int, x: NDArray[np.int8]) -> NDArray[np.int8]:
    """Outputs of one subnet: x int8 [N, input_size] in [-127, 127] -> int8 [N, output_size].

    Raises `ValueError` if the inputs have another length.
    """
    return trace(model, subnet, x)[-1].reshape(len(x), -1)


def trace(model: Model, subnet: int, x: NDArray[np.int8]) -> list[Values]:
    """Every tensor of one subnet's inferences, the input first; arguments and errors as of `run`."""
    if x.dtype != np.int8 or x.ndim != 2 or x.shape[1] != model.input_size:
        raise ValueError(
            f"{model.name} takes int8 inputs of {model.input_size} bytes, got {x.dtype} {x.shape}"
        )
    shape: TensorShape = model.tensors[0]
    values = [clamp_input(x).reshape(-1, shape.height, shape.width, shape.units)]
    zeros = model.zeros(subnet)
    for layer, step in zip(model.layers, model.subnets[subnet].steps, strict=True):
        read = [values[tensor] for tensor in layer.inputs]
        values.append(run_layer(layer, step, read, zeros[layer.inputs[0]]))
    return values
