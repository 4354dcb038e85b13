"""Add the ops that slide a window over their input."""

from typing import Any

import numpy as np

from reds.export.tflite.flatbuffer import FlatBufferGraph, Quantization, Value
from reds.export.tflite.moves import VALID, copy, cropped
from reds.export.tflite.quantization import Operand
from reds.export.tflite.rows import Rows, add_constants, rows_of
from reds.graph import same_padding
from reds.pack.model import IntegerLayer, Kind, Step, TensorShape

SAME = 0
"""The schema's `Padding` of windows that begin and end outside of their input."""
LOWEST = np.int8(-128)


def windowed(
    graph: FlatBufferGraph, layer: IntegerLayer, step: Step, x: Value, padding: int, target: TensorShape,
    output: Quantization, activation: int,
) -> Value:  # fmt: skip
    """Add a convolution or a pool from [1, height, width, input units] to the shape of `target`.

    Args:
        graph: The graph.
        layer: The layer.
        step: The subnet's tables of this layer.
        x: The input, padded already unless `padding` is `SAME`.
        padding: `SAME` or `VALID`.
        target: Shape of the output.
        output: Quantization of the output.
        activation: The schema's `ActivationFunctionType`.
    """
    shape, units = (1, target.height, target.width, target.units), x.shape[-1]
    (height, width), (down, across) = layer.kernel, layer.stride
    options: dict[str, Any] = {"padding": padding, "strideH": down, "strideW": across}
    if layer.kind is Kind.MAX_POOL:
        options |= {"filterHeight": height, "filterWidth": width}
        return graph.op("MAX_POOL_2D", [x.index], shape, output, **options)
    options |= {"dilationHFactor": layer.dilation[0], "dilationWFactor": layer.dilation[1]}
    options["fusedActivationFunction"] = activation
    rows, inside = rows_of(layer, step, output), units // layer.groups
    if layer.kind is Kind.CONV or (layer.kind is Kind.GROUPED and inside > 1):
        kernel = (target.units, height, width, inside)
        constants = add_constants(graph, rows, x.quantization, output, kernel, 0)
        return graph.op("CONV_2D", [x.index, *constants], shape, output, **options)
    constants = add_constants(graph, rows, x.quantization, output, (1, height, width, target.units), 3)
    options["depthMultiplier"] = target.units // units
    return graph.op("DEPTHWISE_CONV_2D", [x.index, *constants], shape, output, **options)


def transposed_conv(
    graph: FlatBufferGraph, layer: IntegerLayer, step: Step, x: Value, target: TensorShape,
    output: Quantization,
) -> Value:  # fmt: skip
    """Add a transposed convolution without padding, and cut off what its padding takes away.

    Args:
        graph: The graph.
        layer: The layer.
        step: The subnet's tables of this layer.
        x: The input [1, height, width, input units]; its zero point is the pack's.
        target: Shape of the output.
        output: Quantization of the output.
    """
    (rows, columns), (down, across), (top, left, _, _) = layer.kernel, layer.stride, layer.padding
    _, height, width, units = x.shape
    whole = TensorShape((height - 1) * down + rows, (width - 1) * across + columns, target.units)
    flipped = rows_of(layer, step, output)
    taps = flipped.weights.reshape(target.units, layer.taps, units)[:, ::-1].reshape(target.units, -1)
    kernel = (target.units, rows, columns, units)
    turned = Rows(taps, flipped.gain, flipped.offset)
    weights, bias = add_constants(graph, turned, x.quantization, output, kernel, 0)
    shape = (1, whole.height, whole.width, whole.units)
    inputs = [graph.constant(np.array(shape, np.int32)), weights, x.index, bias]
    options: dict[str, Any] = {"padding": VALID, "strideH": down, "strideW": across}
    y = graph.op("TRANSPOSE_CONV", inputs, shape, output, **options)
    return y if whole == target else cropped(graph, y, (top, left), target)


def padded(graph: FlatBufferGraph, layer: IntegerLayer, x: Value, zero: int) -> tuple[Value, int]:
    """Return the padded input of a layer and the padding to ask TFLite for: `VALID` or `SAME`.

    TFLite pads with the zero point of the tensor, which therefore has to be the pack's `zero`. A max pool is
    padded with the lowest value, as TFLite's own is.

    Args:
        graph: The graph.
        layer: A layer with windows.
        x: Its input [1, height, width, units].
        zero: The value with which the pack pads.
    """
    if not any(layer.padding):
        return x, VALID
    lowest = layer.kind is Kind.MAX_POOL
    if not lowest:
        x = copy(graph, x, Operand(Quantization(x.quantization.scale, zero), 1))
    _, height, width, units = x.shape
    if layer.padding == same_padding((height, width), layer.span, layer.stride):
        return x, SAME
    top, left, bottom, right = layer.padding
    sides = graph.constant(np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))
    shape = (1, height + top + bottom, width + left + right, units)
    if not lowest:
        return graph.op("PAD", [x.index, sides], shape, x.quantization), VALID
    fill = graph.constant(np.array([LOWEST]), np.array([x.quantization.scale]), zero=x.quantization.zero)
    return graph.op("PADV2", [x.index, sides, fill], shape, x.quantization), VALID
