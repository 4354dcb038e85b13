"""Add the ops that move bytes, and the copies that give a value another quantization."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.export.tflite.flatbuffer import FlatBufferGraph, Quantization, Value
from reds.export.tflite.quantization import Operand
from reds.export.tflite.rows import Rows, add_constants, copy_rows
from reds.pack.model import TensorShape

VALID = 1
"""The schema's `Padding` of windows that lie within their input."""


def flatten(graph: FlatBufferGraph, x: Value) -> Value:
    """Flatten [1, height, width, units] with all positions of a unit together, which needs a transpose."""
    units, size = x.shape[-1], int(np.prod(x.shape))
    return reshaped(graph, transposed(graph, x) if 1 < units < size else x, (1, size))


def transposed(graph: FlatBufferGraph, x: Value) -> Value:
    """Return [1, height, width, units] as [1, units, height, width]."""
    order = (0, 3, 1, 2)
    shape = tuple(x.shape[i] for i in order)
    inputs = [x.index, graph.constant(np.array(order, np.int32))]
    return graph.op("TRANSPOSE", inputs, shape, x.quantization)


def with_positions(graph: FlatBufferGraph, x: Value) -> Value:
    """Return a value as [1, height, width, units], the shape that windows read."""
    return x if len(x.shape) == 4 else reshaped(graph, x, (1, 1, *x.shape))


def reshaped(graph: FlatBufferGraph, x: Value, shape: tuple[int, ...]) -> Value:
    """Return the same bytes in another shape."""
    new = np.array(shape, np.int32)
    return graph.op("RESHAPE", [x.index, graph.constant(new)], shape, x.quantization, newShape=new)


def upsampled(graph: FlatBufferGraph, x: Value, target: TensorShape) -> Value:
    """Return each row and each column several times.

    The centers of positions are compared, so that no rounding takes a neighbor.
    """
    shape, sides = (1, target.height, target.width, target.units), (target.height, target.width)
    inputs = [x.index, graph.constant(np.array(sides, np.int32))]
    options: dict[str, Any] = {"alignCorners": False, "halfPixelCenters": True}
    return graph.op("RESIZE_NEAREST_NEIGHBOR", inputs, shape, x.quantization, **options)


def cropped(graph: FlatBufferGraph, x: Value, begin: tuple[int, int], target: TensorShape) -> Value:
    """Return the rows and columns of a value from `begin` on, in the shape of the target."""
    shape = (1, target.height, target.width, target.units)
    parts = np.array([0, *begin, 0], np.int32), np.array(shape, np.int32)
    inputs = [x.index, *(graph.constant(part) for part in parts)]
    return graph.op("SLICE", inputs, shape, x.quantization)


def looked_up(graph: FlatBufferGraph, x: Value, table: NDArray[np.int8], output: Quantization) -> Value:
    """Return the entries of an activation table for the bytes of a value.

    TFLite may write -128, which no kernel of a pack does; it gets the entry of -127.
    """
    scale = np.array([output.scale])
    entries = graph.constant(np.concatenate([table[1:2], table[1:]]), scale, zero=output.zero)
    types: dict[str, Any] = {"inDataType": graph.type_of(np.int8), "outDataType": graph.type_of(np.int32)}
    wide = graph.op("CAST", [x.index], x.shape, x.quantization, np.int32, **types)
    offset = graph.constant(np.array([128], np.int32))
    places = graph.op("ADD", [wide.index, offset], x.shape, x.quantization, np.int32)
    return graph.op("GATHER", [entries, places.index], x.shape, output)


def copy(graph: FlatBufferGraph, x: Value, wanted: Operand) -> Value:
    """Return a value times a sign with another quantization, or the value itself if nothing changes.

    The copy is a depthwise layer with one tap: the bytes stay as they are, except for the sign.

    Args:
        graph: The graph.
        x: The value.
        wanted: Sign and quantization of the copy.
    """
    if wanted == Operand(x.quantization, 1):
        return x
    return rescaled(graph, x, copy_rows(x.shape[-1], wanted.sign, wanted.quantization), wanted.quantization)


def rescaled(
    graph: FlatBufferGraph, x: Value, rows: Rows, output: Quantization, activation: int = 0
) -> Value:
    """Return a value whose units go through rows of one weight.

    Args:
        graph: The graph.
        x: The value.
        rows: A row for each unit.
        output: Quantization of the result.
        activation: The schema's `ActivationFunctionType`.
    """
    units = x.shape[-1]
    options: dict[str, Any] = {"padding": VALID, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
    constants = add_constants(graph, rows, x.quantization, output, (1, 1, 1, units), 3)
    source = with_positions(graph, x)
    inputs = [source.index, *constants]
    options["fusedActivationFunction"] = activation
    y = graph.op("DEPTHWISE_CONV_2D", inputs, source.shape, output, **options)
    return y if source is x else reshaped(graph, y, x.shape)
