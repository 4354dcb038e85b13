"""A chain's tensors and layers as a pack holds them: what all subnets share, and whether a pack can."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph
from reds.pack.model import WEIGHTED, IntegerLayer, TensorShape
from reds.pack.validate import check_net


def tensors_of(graph: Graph) -> tuple[TensorShape, ...]:
    """Of the full net."""
    return tuple(TensorShape(t.height, t.width, graph.full[t.group] * t.copies) for t in graph.tensors)


def layers_of(graph: Graph, weights: Sequence[NDArray[np.int8]]) -> tuple[IntegerLayer, ...]:
    """Each layer with its weights [units out, fan in], units in innermost; none where it has no weights."""
    return tuple(
        IntegerLayer(
            layer.kind, layer.inputs, layer.output, own, layer.relu, layer.kernel, layer.stride, layer.padding
        )
        for layer, own in zip(graph.layers, weights, strict=True)
    )


def check_fits(graph: Graph) -> None:
    """Raise `ModelError` if no pack can hold the chain, whatever its weights are."""
    zeros = []
    for layer in graph.layers:
        rows = graph.full[layer.writes] if layer.kind in WEIGHTED else 0
        zeros.append(np.zeros((rows, layer.weights(graph.full) // max(rows, 1)), np.int8))
    check_net(tensors_of(graph), layers_of(graph, zeros))
