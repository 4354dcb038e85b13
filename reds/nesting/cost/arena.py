"""The arena of a subnet as a cost: what lives together while a layer runs, by the rule that plans packs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, Layer, Widths
from reds.nesting.cost import Cost, Grid, broadcast
from reds.nesting.solver.problem import Groups
from reds.pack.arena import ALIGNMENT, lifetimes, place
from reds.pack.layouts import Layout
from reds.pack.model import WEIGHTED, Step, TensorShape
from reds.pack.model import IntegerLayer as IntLayer
from reds.pack.padding import round_up

NO_ROWS = np.zeros(0, np.int32)


def arena_cost(graph: Graph, grids: Sequence[Grid], layout: Layout) -> Cost:
    """Bytes that live together, the largest over the layers: tensors, and scratch of the layout's kernels.

    No arena is smaller; `arena_bytes` is what the planned one takes, in every chain the same.
    """
    tables: dict[Groups, NDArray[np.int64]] = {}
    lives = lifetimes([layer.inputs for layer in graph.layers])
    for i, layer in enumerate(graph.layers):
        live = [t for t, (first, last) in zip(graph.tensors, lives, strict=True) if first <= i <= last]
        groups = tuple(sorted({layer.reads, *(tensor.group for tensor in live)}))
        widths = broadcast(groups, grids)
        scratch = [
            round_up(scratch_bytes(graph, layer, int(n), layout), ALIGNMENT) for n in grids[layer.reads]
        ]
        table = np.reshape(scratch, widths[layer.reads].shape)
        for tensor in live:
            table = table + round_up(_sites(tensor) * widths[tensor.group], ALIGNMENT)
        tables[groups] = np.maximum(tables.get(groups, 0), table)
    return Cost("bytes of arena", tables, peak=True)


def arena_bytes(graph: Graph, widths: Widths, layout: Layout) -> int:
    """Bytes of the arena that a pack of this layout plans for a subnet of these group widths."""
    scratch = [scratch_bytes(graph, layer, widths[layer.reads], layout) for layer in graph.layers]
    sizes = [_sites(tensor) * widths[tensor.group] for tensor in graph.tensors]
    return place([layer.inputs for layer in graph.layers], sizes, scratch).size


def scratch_bytes(graph: Graph, layer: Layer, units: int, layout: Layout) -> int:
    """Bytes that the layout's kernel needs beside the tensors when the layer reads so many of its units."""
    full, source = graph.full, graph.tensors[layer.inputs[0]]
    rows = full[layer.writes]
    shape = (rows, layer.weights(full) // rows) if layer.kind in WEIGHTED else (0, 0)
    weights = np.broadcast_to(np.int8(0), shape)
    whole = IntLayer(
        layer.kind, layer.inputs, layer.output, weights, layer.relu,
        layer.kernel, layer.stride, layer.padding,
    )  # fmt: skip
    reads = TensorShape(source.height, source.width, full[source.group] * source.copies)
    return layout.scratch(whole, reads, Step(units * source.copies, rows, NO_ROWS, NO_ROWS, 0))


def _sites(tensor: Any) -> int:
    """Bytes for each unit of a tensor's group."""
    return int(tensor.height * tensor.width * tensor.copies)
