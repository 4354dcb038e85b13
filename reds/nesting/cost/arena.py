"""Count the arena of a subnet, by the same rule that plans packs."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, Layer, Widths, channels
from reds.graph.lowering import integer_layer, tensor_shape
from reds.nesting.cost import Cost, CostTables, add_where_running, along
from reds.nesting.cost.axes import Axes, Axis, Grid, axes_of
from reds.nesting.depth import switches, taken_where
from reds.nesting.solver.problem import Groups
from reds.pack.arena import ALIGNMENT, lifetimes, place, schedule
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.model import WEIGHTED, Step

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
    axes, rows = axes_of(graph, grids), list[CostTables]()
    inputs, of_layers = [layer.inputs for layer in graph.layers], switches(graph, grids)
    lives = lifetimes(schedule(inputs, range(len(inputs)), {}))
    for i, (layer, switch) in enumerate(zip(graph.layers, of_layers, strict=True)):
        in_use = [t for t, (first, last) in enumerate(lives) if first <= i <= last]
        row, read = dict[Groups, NDArray[np.int64]](), axes.of(layer.reads)
        scratch = [scratch_bytes(graph, layer, int(n), layout) for n in read.channels]
        _add_bytes(row, Axis(read.group, np.array(scratch)), [], switch, axes)
        for t in in_use:
            tensor = graph.tensors[t]
            held = axes.of(tensor.spans)
            each = Axis(held.group, tensor.positions * held.channels)
            _add_bytes(row, each, taken_where(graph, grids, i, t, in_use), switch, axes)
        rows.append(row)
    return Cost(ARENA_UNIT, _undominated(rows), peak=True)


def _add_bytes(
    row: dict[Groups, NDArray[np.int64]], taken: Axis, needed: Sequence[Groups], switch: Groups, axes: Axes
) -> None:
    """Add the bytes that one tensor takes while a layer runs.

    Args:
        row: The sums so far.
        taken: The axis of the tensor, and its bytes.
        needed: The tensor takes bytes where one group of each of these keeps units.
        switch: The group whose width 0 leaves the layer out, or none.
        axes: All axes.
    """
    groups = tuple(sorted({taken.group, *(g for alternatives in needed for g in alternatives)}))
    table: NDArray[np.int64] = -(-along(groups, taken) // ALIGNMENT) * ALIGNMENT
    for alternatives in needed:
        kept = [along(groups, Axis(g, axes.grids[g])) > 0 for g in alternatives]
        table = table * reduce(or_, kept)
    shape = [len(axes.grids[g]) for g in groups]
    add_where_running(row, groups, np.broadcast_to(table, shape), switch, axes.grids)


def _undominated(rows: Sequence[CostTables]) -> tuple[CostTables, ...]:
    """Return the rows without those of which another row has no smaller entry at any width."""
    kept = list[CostTables]()
    for row in rows:
        alike = [k for k, other in enumerate(kept) if other.keys() == row.keys()]
        if any(all((kept[k][g] >= row[g]).all() for g in row) for k in alike):
            continue
        worse = [k for k in alike if all((row[g] >= kept[k][g]).all() for g in row)]
        kept = [other for k, other in enumerate(kept) if k not in worse] + [row]
    return tuple(kept)


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
    kernels = CANONICAL if layout.refusal(made, shapes) else layout
    return kernels.scratch(made, shapes, step)
