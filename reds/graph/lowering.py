"""Convert a graph into the tensors and layers of an integer network, which all subnets share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, Layer, Tensor
from reds.pack.model import BLOCKED, WEIGHTED, IntegerLayer, Kind, TensorShape
from reds.pack.validate import validate_layers


def tensor_shape(graph: Graph, tensor: Tensor) -> TensorShape:
    """Return the shape of a tensor of the full network."""
    return TensorShape(tensor.height, tensor.width, tensor.channels(graph.full))


def tensor_shapes(graph: Graph) -> tuple[TensorShape, ...]:
    """Return the shape of every tensor of the full network."""
    return tuple(tensor_shape(graph, tensor) for tensor in graph.tensors)


def integer_layer(graph: Graph, layer: Layer, weights: NDArray[np.int8]) -> IntegerLayer:
    """Return a layer of the graph with its weights.

    Args:
        graph: The full network.
        layer: The layer.
        weights: int8 [units_out, fan_in], input units innermost; of an embedding [positions, units]; [0, 0]
            without weights.
    """
    return IntegerLayer(
        layer.kind, layer.inputs, layer.output, weights, layer.relu, layer.kernel, layer.stride,
        layer.padding, layer.dilation, _groups(graph, layer),
    )  # fmt: skip


def integer_layers(graph: Graph, weights: Sequence[NDArray[np.int8]]) -> tuple[IntegerLayer, ...]:
    """Return every layer of the graph with its weights, as `integer_layer` takes them."""
    return tuple(integer_layer(graph, *each) for each in zip(graph.layers, weights, strict=True))


def check_packable(graph: Graph) -> None:
    """Check that a pack can hold the network, before it is trained.

    Raises:
        ModelError: The network breaks a rule of the pack, whatever its weights are; the text names the layer.
    """
    zeros = []
    for layer in graph.layers:
        target = graph.tensors[layer.output]
        rows = target.channels(graph.full) if layer.kind in WEIGHTED else 0
        rows = target.positions if layer.kind is Kind.EMBED else rows
        zeros.append(np.zeros((rows, layer.weights(graph.full) // max(rows, 1)), np.int8))
    names = [f"layer {layer.name}" for layer in graph.layers]
    validate_layers(tensor_shapes(graph), integer_layers(graph, zeros), names)


def _groups(graph: Graph, layer: Layer) -> int:
    """Return the blocks of a grouped convolution or the heads of an attention; 1 for other kinds."""
    if layer.kind not in BLOCKED:
        return 1
    return int(graph.tensors[layer.inputs[0]].channels(graph.full)) // layer.block
