"""Run a pack in numpy, bit for bit as every device does.

This is the reference: kernels on every device are tested equal to it. So it is written to be read, not to be
fast. `arithmetic` has the rule by which every value is requantized.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reds.pack.interpreter import elementwise, layer_norm, moves, sliding
from reds.pack.interpreter.arithmetic import Read as Read
from reds.pack.interpreter.arithmetic import Sums as Sums
from reds.pack.interpreter.arithmetic import Values as Values
from reds.pack.interpreter.arithmetic import product as product
from reds.pack.interpreter.arithmetic import requantize as requantize
from reds.pack.interpreter.attention import attention
from reds.pack.model import COPYING, LIMIT, IntegerLayer, Kind, Model, Step, TensorShape
from reds.pack.validate.window import window_values

CHUNK_VALUES = 1 << 24
"""Values that the windows of one layer read at once: examples run in parts, so that memory is bounded."""

_SINGLE: dict[Kind, Callable[[IntegerLayer, Step, Read], Sums]] = {
    Kind.DENSE: sliding.dense,
    Kind.CONV: sliding.conv,
    Kind.DEPTHWISE: sliding.depthwise,
    Kind.AVERAGE_POOL: sliding.average_pool,
    Kind.GROUPED: sliding.grouped,
    Kind.TRANSPOSED: sliding.transposed,
    Kind.EMBED: elementwise.embed,
    Kind.PRELU: elementwise.prelu,
    Kind.LAYER_NORM: layer_norm.layer_norm,
}
_COPYING: dict[Kind, Callable[[IntegerLayer, Step, Read, TensorShape], Values]] = {
    Kind.MAX_POOL: sliding.max_pool,
    Kind.FLATTEN: moves.flatten,
    Kind.UPSAMPLE: moves.upsample,
    Kind.TRANSPOSE: moves.flatten,
    Kind.RESHAPE: moves.reshape,
}


def accumulators(
    tensors: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Sequence[Read]
) -> Sums:
    """Return a layer's accumulators, before requantization.

    Args:
        tensors: All tensors of the full network.
        layer: A layer of one of the kinds `REQUANTIZED`.
        step: The layer in one subnet.
        reads: The tensors that it reads.
    """
    if layer.kind is Kind.ADD:
        return elementwise.add(step, *reads)
    if layer.kind is Kind.MULTIPLY:
        return elementwise.multiply(*reads)
    if layer.kind is Kind.CONCAT:
        return moves.concat(step, reads)
    if layer.kind is Kind.ATTENTION:
        return attention(step, reads, tensors[layer.output].units // layer.groups)
    return _SINGLE[layer.kind](layer, step, reads[0])


def multipliers(layer: IntegerLayer, step: Step, reads: Sequence[Read], acc: Sums) -> NDArray[np.int32]:
    """Return the multiplier of each accumulator, in a shape that broadcasts to theirs.

    Args:
        layer: The layer.
        step: The layer in one subnet.
        reads: The tensors that it reads.
        acc: Its accumulators.
    """
    if layer.kind is Kind.PRELU:
        return np.where(acc < 0, step.bias, step.multiplier)
    if layer.kind is Kind.CONCAT:
        return step.multiplier[moves.concat_rows(reads)]
    return step.multiplier[: step.units_out] if layer.kind is Kind.LAYER_NORM else step.multiplier


def run_layer(
    tensors: Sequence[TensorShape], layer: IntegerLayer, step: Step, reads: Sequence[Read]
) -> Values:
    """Return the output of a layer of any kind in one subnet.

    Args:
        tensors: All tensors of the full network.
        layer: The layer.
        step: The layer in one subnet.
        reads: The tensors that it reads.
    """
    if layer.kind in COPYING:
        y = _COPYING[layer.kind](layer, step, reads[0], tensors[layer.output])
    else:
        acc = accumulators(tensors, layer, step, reads)
        y = requantize(acc, multipliers(layer, step, reads, acc), step.kernel_zero)
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
    largest = max(_values(model, layer) for layer in model.layers)
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
    rooms, kept = model.rooms(subnet), model.kept(subnet)
    for step in model.subnets[subnet].steps:
        layer = model.layers[step.layer]
        reads = [Read(tensors[rooms[i].holds], rooms[i].zero, kept[i]) for i in layer.inputs]
        tensors[layer.output] = run_layer(model.tensors, layer, step, reads)
    return {tensor: tensors[room.holds] for tensor, room in enumerate(rooms) if room.units}


def _values(model: Model, layer: IntegerLayer) -> int:
    """Return the values that one example takes while a layer runs; a score is held several times."""
    read = window_values(layer, model.tensors) * (4 if layer.kind is Kind.ATTENTION else 1)
    return max(read, *(model.tensors[i].size(model.tensors[i].units) for i in (*layer.inputs, layer.output)))


def _check_inputs(model: Model, x: NDArray[np.int8]) -> None:
    n = model.input_size
    if x.dtype != np.int8 or x.ndim != 2 or x.shape[1] != n:
        raise ValueError(
            f"{model.name}: inputs are {x.dtype} {list(x.shape)}: int8 [N, {n}] is needed, {n} bytes an input"
        )
