"""Translate each layer of a model with one subnet to the TFLite ops that compute it."""

import numpy as np

from reds.export.tflite.flatbuffer import FlatBufferGraph, Quantization, Value
from reds.export.tflite.quantization import Operand, mean_quantization, output_quantization, quantizations
from reds.export.tflite.rows import Rows, add_constants, copy_rows, rows_of
from reds.graph import same_padding
from reds.pack.model import WINDOWED, IntegerLayer, Kind, Model, Step, TensorShape

SAME, VALID = 0, 1
"""The schema's `Padding`."""
RELU = 1
"""The schema's `ActivationFunctionType`; 0 is none."""


def add_model(graph: FlatBufferGraph, model: Model) -> tuple[Value, Value]:
    """Add a model with one subnet to a graph; return its input and its output."""
    (subnet,) = model.subnets
    chosen, operands = quantizations(model)
    first = model.tensors[0]
    flat = not any(layer.kind in WINDOWED | {Kind.FLATTEN} for layer in model.layers)
    shape = (1, first.units) if flat else (1, first.height, first.width, first.units)
    values, rooms = [graph.value(shape, chosen[0])], model.rooms(0)
    for layer, step in zip(model.layers, subnet.steps, strict=True):
        target, output, x = model.tensors[layer.output], chosen[layer.output], values[layer.inputs[0]]
        if layer.kind is Kind.DENSE:
            values.append(dense(graph, rows_of(layer, step, output), x, output, layer.relu))
        elif layer.kind is Kind.FLATTEN:
            values.append(flatten(graph, x))
        elif layer.kind is Kind.ADD:
            a, b = (
                copy(graph, values[tensor], operand)
                for tensor, operand in zip(layer.inputs, operands[layer.output], strict=True)
            )
            if len(a.shape) != len(b.shape):
                a, b = with_positions(graph, a), with_positions(graph, b)
            options = {"fusedActivationFunction": RELU * layer.relu}
            values.append(graph.op("ADD", [a.index, b.index], a.shape, output, **options))
        elif mean_quantization(model, layer, step, x.quantization) is not None:
            axes = graph.constant(np.array([1, 2], np.int32))
            shape = (1, 1, 1, target.units)
            inputs = [with_positions(graph, x).index, axes]
            values.append(graph.op("MEAN", inputs, shape, output, keepDims=True))
        else:
            x, padding = padded(graph, layer, with_positions(graph, x), rooms[layer.inputs[0]].zero)
            values.append(windowed(graph, layer, step, x, padding, target, output))
    return values[0], copy(graph, values[-1], Operand(output_quantization(model), 1))


def dense(graph: FlatBufferGraph, rows: Rows, x: Value, output: Quantization, relu: bool) -> Value:
    """Add a dense layer from [1, ..., input units] to [1, output units].

    Args:
        graph: The graph.
        rows: Weights and tables of the layer.
        x: The input.
        output: Quantization of the output.
        relu: Whether a ReLU follows.
    """
    weights, bias = add_constants(graph, rows, x.quantization, output, rows.weights.shape, 0)
    shape = (1, len(rows.weights))
    options = {"fusedActivationFunction": RELU * relu}
    return graph.op("FULLY_CONNECTED", [x.index, weights, bias], shape, output, **options)


def windowed(
    graph: FlatBufferGraph, layer: IntegerLayer, step: Step, x: Value, padding: int, target: TensorShape,
    output: Quantization,
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
    """
    shape = (1, target.height, target.width, target.units)
    (height, width), (down, across) = layer.kernel, layer.stride
    options = {"padding": padding, "strideH": down, "strideW": across}
    if layer.kind is Kind.MAX_POOL:
        options |= {"filterHeight": height, "filterWidth": width}
        return graph.op("MAX_POOL_2D", [x.index], shape, output, **options)
    options["fusedActivationFunction"] = RELU * layer.relu
    rows = rows_of(layer, step, output)
    if layer.kind is Kind.CONV:
        kernel = (target.units, height, width, x.shape[-1])
        constants = add_constants(graph, rows, x.quantization, output, kernel, 0)
        return graph.op("CONV_2D", [x.index, *constants], shape, output, **options)
    constants = add_constants(graph, rows, x.quantization, output, (1, height, width, target.units), 3)
    return graph.op("DEPTHWISE_CONV_2D", [x.index, *constants], shape, output, depthMultiplier=1, **options)


def padded(graph: FlatBufferGraph, layer: IntegerLayer, x: Value, zero: int) -> tuple[Value, int]:
    """Return the padded input of a layer and the padding to ask TFLite for: `VALID` or `SAME`.

    TFLite pads with the zero point of the tensor, which therefore has to be the pack's `zero`.

    Args:
        graph: The graph.
        layer: A layer with windows.
        x: Its input [1, height, width, units].
        zero: The value with which the pack pads.
    """
    if not any(layer.padding):
        return x, VALID
    x = copy(graph, x, Operand(Quantization(x.quantization.scale, zero), 1))
    _, height, width, units = x.shape
    if layer.padding == same_padding((height, width), layer.kernel, layer.stride):
        return x, SAME
    top, left, bottom, right = layer.padding
    sides = graph.constant(np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))
    shape = (1, height + top + bottom, width + left + right, units)
    return graph.op("PAD", [x.index, sides], shape, x.quantization), VALID


def flatten(graph: FlatBufferGraph, x: Value) -> Value:
    """Flatten [1, height, width, units] with all positions of a unit together, which needs a transpose."""
    units, size = x.shape[-1], int(np.prod(x.shape))
    if 1 < units < size:
        order = graph.constant(np.array([0, 3, 1, 2], np.int32))
        shape = tuple(x.shape[i] for i in (0, 3, 1, 2))
        x = graph.op("TRANSPOSE", [x.index, order], shape, x.quantization)
    return reshaped(graph, x, (1, size))


def with_positions(graph: FlatBufferGraph, x: Value) -> Value:
    """Return a value as [1, height, width, units], the shape that windows read."""
    return x if len(x.shape) == 4 else reshaped(graph, x, (1, 1, *x.shape))


def reshaped(graph: FlatBufferGraph, x: Value, shape: tuple[int, ...]) -> Value:
    """Return the same bytes in another shape."""
    new = np.array(shape, np.int32)
    return graph.op("RESHAPE", [x.index, graph.constant(new)], shape, x.quantization, newShape=new)


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
    units, options = x.shape[-1], {"padding": VALID, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
    rows = copy_rows(units, wanted.sign, wanted.quantization)
    constants = add_constants(graph, rows, x.quantization, wanted.quantization, (1, 1, 1, units), 3)
    source = with_positions(graph, x)
    inputs = [source.index, *constants]
    y = graph.op("DEPTHWISE_CONV_2D", inputs, source.shape, wanted.quantization, **options)
    return y if source is x else reshaped(graph, y, x.shape)
