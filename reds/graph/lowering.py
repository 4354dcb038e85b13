"""Convert a graph into the tensors and layers of an integer network, which all subnets share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, channels
from reds.pack.model import WEIGHTED, IntegerLayer, TensorShape
from reds.pack.validate import validate_layers


def tensor_shapes(graph: Graph) -> tuple[TensorShape, ...]:
    """Return the shape of every tensor of the full network."""
    return tuple(TensorShape(t.height, t.width, t.channels(graph.full)) for t in graph.tensors)


def integer_layers(graph: Graph, weights: Sequence[NDArray[np.int8]]) -> tuple[IntegerLayer, ...]:
    """Return every layer of the graph with its weights.

    Args:
        graph: The full network.
        weights: For each layer int8 [units_out, fan_in], input units innermost; [0, 0] without weights.
    """
    return tuple(
        IntegerLayer(
            layer.kind,
            layer.inputs,
            layer.output,
            layer_weights,
            layer.relu,
            layer.kernel,
            layer.stride,
            layer.padding,
        )
        for layer, layer_weights in zip(graph.layers, weights, strict=True)
    )


def check_packable(graph: Graph) -> None:
    """Check that a pack can hold the network, before it is trained.

    Raises:
        ModelError: The network breaks a rule of the pack, whatever its weights are; the text names the layer.
    """
    zeros = []
    for layer in graph.layers:
        count = layer.weights(graph.full)
        rows = channels(layer.writes, graph.full) if count else 0
        zeros.append(np.zeros((rows, count // max(rows, 1)), np.int8))
    names = [f"layer {layer.name}" for layer in graph.layers]
    validate_layers(tensor_shapes(graph), integer_layers(graph, zeros), names)
