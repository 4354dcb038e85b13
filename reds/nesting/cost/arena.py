"""Count the arena of a subnet, by the same rule that plans packs."""

from collections.abc import Sequence
from functools import reduce
from itertools import chain
from operator import or_

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, Layer, Widths, channels
from reds.graph.lowering import integer_layer, tensor_shape
from reds.nesting.cost import Cost, Grid, broadcast_widths
from reds.nesting.depth import switches, taken_where
from reds.nesting.solver.problem import Groups
from reds.pack.arena import ALIGNMENT, lifetimes, place, schedule
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.model import WEIGHTED, Step
from reds.pack.padding import round_up

ARENA_UNIT = "bytes of arena"
NO_ROWS = np.zeros(0, np.int32)


def arena_cost(graph: Graph, grids: Sequence[Grid], layout: Layout) -> Cost:
    """Return the bytes of tensors and scratch that live together, at the layer that needs most.

    This is a lower bound of the arena. `arena_bytes` counts the planned one, which is the same in a network
    without branches.

    Args:
        graph: The full network.
        grids: The widths of each group.
        layout: The layout of the kernels, which need scratch.
    """
    tables: dict[Groups, NDArray[np.int64]] = {}
    inputs, of_layers = [layer.inputs for layer in graph.layers], switches(graph, grids)
    lives = lifetimes(schedule(inputs, range(len(inputs)), {}))
    for i, (layer, switch) in enumerate(zip(graph.layers, of_layers, strict=True)):
        in_use = [t for t, (first, last) in enumerate(lives) if first <= i <= last]
        needs = [taken_where(graph, grids, i, t, in_use) for t in in_use]
        groups = tuple(sorted({
            *(span.group for t in {*in_use, *layer.inputs} for span in graph.tensors[t].spans), *switch,
            *(g for alternatives in chain(*needs) for g in alternatives),
        }))  # fmt: skip
        widths = broadcast_widths(groups, grids)
        read, places = np.unique(channels(layer.reads, widths), return_inverse=True)
        scratch = [round_up(scratch_bytes(graph, layer, int(n), layout), ALIGNMENT) for n in read]
        table = np.array(scratch)[places].reshape(np.shape(channels(layer.reads, widths)))
        for tensor, need in zip((graph.tensors[t] for t in in_use), needs, strict=True):
            taken = round_up(tensor.positions * tensor.channels(widths), ALIGNMENT)
            for alternatives in need:
                taken = taken * reduce(or_, (widths[g] > 0 for g in alternatives))
            table = table + taken
        for g in switch:
            table = table * (widths[g] > 0)
        tables[groups] = np.maximum(tables.get(groups, 0), table)
    return Cost(ARENA_UNIT, tables, peak=True)


def arena_bytes(graph: Graph, widths: Widths, layout: Layout) -> int:
    """Return the bytes of the arena that a pack plans for a subnet.

    Args:
        graph: The full network.
        widths: Units that the subnet keeps in each group.
        layout: The layout of the kernels, which need scratch.
    """
    runs = graph.running(widths)
    layers = [graph.layers[i] for i in runs.layers]
    scratch = [scratch_bytes(graph, layer, channels(layer.reads, widths), layout) for layer in layers]
    tensors = [graph.tensors[0], *(graph.tensors[layer.output] for layer in layers)]
    sizes = [tensor.positions * tensor.channels(widths) for tensor in tensors]
    return place(
        schedule([layer.inputs for layer in graph.layers], runs.layers, runs.stands), sizes, scratch
    ).size


def scratch_bytes(graph: Graph, layer: Layer, read: int, layout: Layout) -> int:
    """Return the bytes that a layer's kernel needs beside its tensors.

    Args:
        graph: The full network.
        layer: The layer.
        read: Channels of the layer's input that the subnet keeps.
        layout: The layout of the kernels.
    """
    rows = channels(layer.writes, graph.full)
    shape = (rows, layer.weights(graph.full) // rows) if layer.kind in WEIGHTED else (0, 0)
    made = integer_layer(graph, layer, np.broadcast_to(np.int8(0), shape))
    shapes = [tensor_shape(graph, graph.tensors[tensor]) for tensor in layer.inputs]
    step = Step(layer.output - 1, read, rows, NO_ROWS, NO_ROWS, 0)
    kernels = layout if layout.runs(made, shapes) else CANONICAL
    return kernels.scratch(made, shapes, step)
