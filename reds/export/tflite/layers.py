"""Each layer of a net with one subnet as the TFLite ops that compute it."""

import numpy as np

from reds.export.tflite.graph import Graph, Label, Value
from reds.export.tflite.rows import Rows, constants, copied, rows
from reds.export.tflite.scales import Operand, labels, mean, own
from reds.graph import same_padding
from reds.pack.model import WINDOWED, IntegerLayer, Kind, Model, Step, TensorShape

SAME, VALID = 0, 1
"""The schema's `Padding`."""
RELU = 1
"""The schema's `ActivationFunctionType`; 0 is none."""


def network(graph: Graph, model: Model) -> tuple[Value, Value]:
    """Add a net with one subnet to a graph; returns its input and its output."""
    (subnet,) = model.subnets
    given, operands = labels(model)
    first = model.tensors[0]
    flat = not any(layer.kind in WINDOWED | {Kind.FLATTEN} for layer in model.layers)
    shape = (1, first.units) if flat else (1, first.height, first.width, first.units)
    values, zeros = [graph.value(shape, given[0])], model.zero_points(0)
    for layer, step in zip(model.layers, subnet.steps, strict=True):
        target, label, x = model.tensors[layer.output], given[layer.output], values[layer.inputs[0]]
        if layer.kind is Kind.DENSE:
            values.append(dense(graph, rows(layer, step, label), x, label, layer.relu))
        elif layer.kind is Kind.FLATTEN:
            values.append(flatten(graph, x))
        elif layer.kind is Kind.ADD:
            a, b = (
                copy(graph, values[t], each)
                for t, each in zip(layer.inputs, operands[layer.output], strict=True)
            )
            if len(a.shape) != len(b.shape):
                a, b = sites(graph, a), sites(graph, b)
            options = {"fusedActivationFunction": RELU * layer.relu}
            values.append(graph.op("ADD", [a.index, b.index], a.shape, label, **options))
        elif mean(model, layer, step, x.label) is not None:
            over = graph.constant(np.array([1, 2], np.int32))
            shape = (1, 1, 1, target.units)
            values.append(graph.op("MEAN", [sites(graph, x).index, over], shape, label, keepDims=True))
        else:
            x, padding = padded(graph, layer, sites(graph, x), zeros[layer.inputs[0]])
            values.append(windowed(graph, layer, step, x, padding, target, label))
    return values[0], copy(graph, values[-1], Operand(own(model), 1))


def dense(graph: Graph, of: Rows, x: Value, label: Label, relu: bool) -> Value:
    """[1, ..., units_in] -> [1, units_out]."""
    weights, bias = constants(graph, of, x.label, label, of.weights.shape, 0)
    shape = (1, len(of.weights))
    return graph.op(
        "FULLY_CONNECTED", [x.index, weights, bias], shape, label, fusedActivationFunction=RELU * relu
    )


def windowed(
    graph: Graph, layer: IntegerLayer, step: Step, x: Value, padding: int, target: TensorShape, label: Label
) -> Value:
    """[1, height, width, units_in] -> the target's [1, height, width, units_out]."""
    shape = (1, target.height, target.width, target.units)
    (high, wide), (down, across) = layer.kernel, layer.stride
    options = {"padding": padding, "strideH": down, "strideW": across}
    if layer.kind is Kind.MAX_POOL:
        return graph.op(
            "MAX_POOL_2D", [x.index], shape, label, filterHeight=high, filterWidth=wide, **options
        )
    options["fusedActivationFunction"] = RELU * layer.relu
    if layer.kind is Kind.CONV:
        kernel = (target.units, high, wide, x.shape[-1])
        found = constants(graph, rows(layer, step, label), x.label, label, kernel, 0)
        return graph.op("CONV_2D", [x.index, *found], shape, label, **options)
    found = constants(graph, rows(layer, step, label), x.label, label, (1, high, wide, target.units), 3)
    return graph.op("DEPTHWISE_CONV_2D", [x.index, *found], shape, label, depthMultiplier=1, **options)


def padded(graph: Graph, layer: IntegerLayer, x: Value, zero: int) -> tuple[Value, int]:
    """The input of a layer with windows, and the padding to ask for: TFLite knows none and SAME only.

    Both write the label's zero point, so that it has to be the pack's `zero`.
    """
    if not any(layer.padding):
        return x, VALID
    x = copy(graph, x, Operand(Label(x.label.scale, zero), 1))
    _, height, width, units = x.shape
    if layer.padding == same_padding((height, width), layer.kernel, layer.stride):
        return x, SAME
    top, left, bottom, right = layer.padding
    sides = graph.constant(np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))
    shape = (1, height + top + bottom, width + left + right, units)
    return graph.op("PAD", [x.index, sides], shape, x.label), VALID


def flatten(graph: Graph, x: Value) -> Value:
    """[1, height, width, units] -> [1, units * sites], unit by unit: TFLite alone would go site by site."""
    units, size = x.shape[-1], int(np.prod(x.shape))
    if 1 < units < size:
        order = graph.constant(np.array([0, 3, 1, 2], np.int32))
        x = graph.op("TRANSPOSE", [x.index, order], tuple(x.shape[i] for i in (0, 3, 1, 2)), x.label)
    return reshaped(graph, x, (1, size))


def sites(graph: Graph, x: Value) -> Value:
    """A value as windows read it: [1, height, width, units]."""
    return x if len(x.shape) == 4 else reshaped(graph, x, (1, 1, *x.shape))


def reshaped(graph: Graph, x: Value, shape: tuple[int, ...]) -> Value:
    """The same bytes in another shape."""
    new = np.array(shape, np.int32)
    return graph.op("RESHAPE", [x.index, graph.constant(new)], shape, x.label, newShape=new)


def copy(graph: Graph, x: Value, wanted: Operand) -> Value:
    """The value times a sign under another label; itself if it is that already.

    A depthwise layer with one tap: the bytes stay as they are, but for the sign.
    """
    if wanted == Operand(x.label, 1):
        return x
    units, options = x.shape[-1], {"padding": VALID, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
    of = copied(units, wanted.sign, wanted.label)
    found = constants(graph, of, x.label, wanted.label, (1, 1, 1, units), 3)
    whole = sites(graph, x)
    y = graph.op("DEPTHWISE_CONV_2D", [whole.index, *found], whole.shape, wanted.label, **options)
    return y if whole is x else reshaped(graph, y, x.shape)
