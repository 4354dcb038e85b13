"""Translate each layer of a model with one subnet to the TFLite ops that compute it."""

import numpy as np

from reds.export.tflite.flatbuffer import FlatBufferGraph, Quantization, Value
from reds.export.tflite.moves import (
    copy,
    flatten,
    looked_up,
    rescaled,
    reshaped,
    transposed,
    upsampled,
    with_positions,
)
from reds.export.tflite.quantization import Operand, mean_quantization, output_quantization, quantizations
from reds.export.tflite.rows import Rows, add_constants, concat_rows, prelu_rows, rows_of
from reds.export.tflite.windows import padded, transposed_conv, windowed
from reds.pack.model import IntegerLayer, Kind, Model, Step, TensorShape

RELU = 1
"""The schema's `ActivationFunctionType`; 0 is none."""
REFUSED = {
    Kind.LAYER_NORM: "TFLite has no layer norm in int8",
    Kind.ATTENTION: "TFLite's softmax has 8 bits, so it would differ by many steps",
    Kind.EMBED: "TFLite adds no constants with the factors of the pack",
}
"""Kinds that no op of TFLite computes to a few steps, and the reason."""


def add_model(graph: FlatBufferGraph, model: Model) -> tuple[Value, Value]:
    """Add a model with one subnet and none of the kinds `REFUSED` to a graph; return its input and output."""
    return _Translation(graph, model).run()


class _Translation:
    """Add the layers of a model with one subnet, one by one."""

    def __init__(self, graph: FlatBufferGraph, model: Model) -> None:
        self.graph, self.model = graph, model
        self.chosen, self.operands = quantizations(model)
        self.rooms = model.rooms(0)
        first = model.tensors[0]
        dense_alone = all(layer.kind in (Kind.DENSE, Kind.ADD) for layer in model.layers)
        flat = dense_alone and first.positions == 1
        shape = (1, first.units) if flat else (1, first.height, first.width, first.units)
        self.values = [graph.value(shape, self.chosen[0])]

    def run(self) -> tuple[Value, Value]:
        """Return the input and the output of the graph."""
        for layer, step in zip(self.model.layers, self.model.subnets[0].steps, strict=True):
            if step.activation is None:
                self.values.append(self._added(layer, step))
            else:  # a layer that only copies
                x, table = self.values[layer.inputs[0]], step.activation.table
                self.values.append(looked_up(self.graph, x, table, self.chosen[layer.output]))
        wanted = Operand(output_quantization(self.model), 1)
        return self.values[0], copy(self.graph, self.values[-1], wanted)

    def _added(self, layer: IntegerLayer, step: Step) -> Value:
        graph, output, x = self.graph, self.chosen[layer.output], self.values[layer.inputs[0]]
        target = self.model.tensors[layer.output]
        shape = (1, target.height, target.width, target.units)
        if layer.kind is Kind.DENSE:
            return dense(graph, rows_of(layer, step, output), x, output, layer.relu)
        if layer.kind is Kind.FLATTEN:
            return flatten(graph, x)
        if layer.kind in (Kind.ADD, Kind.MULTIPLY):
            return self._combined(layer, output)
        if layer.kind is Kind.CONCAT:
            return self._joined(layer, step, shape, output)
        if layer.kind is Kind.PRELU:
            return self._bent(layer, step, output)
        x = with_positions(graph, x)
        if layer.kind is Kind.RESHAPE:
            return reshaped(graph, x, shape)
        if layer.kind is Kind.TRANSPOSE:
            return reshaped(graph, transposed(graph, x), shape)
        if layer.kind is Kind.UPSAMPLE:
            return upsampled(graph, x, target)
        if mean_quantization(self.model, layer, step, x.quantization) is not None:
            axes = graph.constant(np.array([1, 2], np.int32))
            return graph.op("MEAN", [x.index, axes], (1, 1, 1, target.units), output, keepDims=True)
        return self._slid(layer, step, x, target, output)

    def _slid(
        self, layer: IntegerLayer, step: Step, x: Value, target: TensorShape, output: Quantization
    ) -> Value:
        zero = self.rooms[layer.inputs[0]].zero
        if layer.kind is Kind.TRANSPOSED:
            x = copy(self.graph, x, Operand(Quantization(x.quantization.scale, zero), 1))
            return transposed_conv(self.graph, layer, step, x, target, output)
        x, padding = padded(self.graph, layer, x, zero)
        return windowed(self.graph, layer, step, x, padding, target, output, RELU * layer.relu)

    def _combined(self, layer: IntegerLayer, output: Quantization) -> Value:
        """Return the sum or the product of two values, of which the second may be repeated."""
        pair = zip(layer.inputs, self.operands[layer.output], strict=True)
        a, b = (copy(self.graph, self.values[tensor], operand) for tensor, operand in pair)
        if len(a.shape) != len(b.shape):
            a, b = with_positions(self.graph, a), with_positions(self.graph, b)
        op = "ADD" if layer.kind is Kind.ADD else "MUL"
        inputs, activation = [a.index, b.index], RELU * layer.relu
        return self.graph.op(op, inputs, a.shape, output, fusedActivationFunction=activation)

    def _joined(self, layer: IntegerLayer, step: Step, shape: tuple[int, ...], output: Quantization) -> Value:
        """Return the units of several values side by side, each value rescaled to the quantization of all."""
        parts = []
        for k, tensor in enumerate(layer.inputs):
            x = with_positions(self.graph, self.values[tensor])
            rows = concat_rows(step, k, x.shape[-1], output)
            parts.append(rescaled(self.graph, x, rows, output, RELU * layer.relu).index)
        return self.graph.op("CONCATENATION", parts, shape, output, axis=3)

    def _bent(self, layer: IntegerLayer, step: Step, output: Quantization) -> Value:
        """Return a PReLU: the sum of the values from zero up and of those below, each with its own rows.

        One of the two is zero, so the sum rounds nothing. TFLite's own PReLU has one scale for all slopes.
        """
        (tensor,) = layer.inputs
        zero, x, parts = self.rooms[tensor].zero, self.values[tensor], []
        x = copy(self.graph, x, Operand(Quantization(x.quantization.scale, zero), 1))
        scale, bound = np.array([x.quantization.scale]), np.array([zero], np.int8)
        for op, multiplier in (("MAXIMUM", step.multiplier), ("MINIMUM", step.bias)):
            limit = self.graph.constant(bound, scale, zero=zero)
            side = self.graph.op(op, [x.index, limit], x.shape, x.quantization)
            rows = prelu_rows(multiplier, zero)
            parts.append(rescaled(self.graph, side, rows, output).index)
        activation = RELU * layer.relu
        return self.graph.op("ADD", parts, x.shape, output, fusedActivationFunction=activation)


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
    inputs, activation = [x.index, weights, bias], RELU * relu
    return graph.op("FULLY_CONNECTED", inputs, shape, output, fusedActivationFunction=activation)
