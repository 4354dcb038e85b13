"""Measure the latency of every layer of a net on a board, at several widths.

Selection adds up these times as it adds up multiply-accumulates, so subnets are chosen by their latency on
the device (`reds.nesting.cost.latency`). Each layer is measured alone, with random weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.errors import SetupError
from hil.results.statistics.quantiles import median
from reds.graph import Graph, Group, Layer
from reds.nesting.cost.latency import STEP, Latency, LayerTimes
from reds.pack.model import LIMIT
from reds.pack.padding import round_up
from reds.zoo.random_weights import with_random_weights

SAMPLES = 5
"""Number of timed inferences, whose median counts. Emulated inferences all take the same time."""

Say = Callable[[str], None]


def measure(board: Board, graph: Graph, points: int, say: Say) -> Latency:
    """Measure all layers at several widths of each unit group that is cut.

    Args:
        board: The board.
        graph: The net.
        points: Number of widths of each group, from STEP units to all.
        say: Called with the present step.

    Raises:
        PackRefused: A layer does not fit the board.
    """
    known: dict[Graph, float] = {}
    layers = {}
    for layer in graph.layers:
        units = [widths(graph.groups[g], points) for g in dict.fromkeys((layer.reads, layer.writes))]
        us = []
        for sizes in product(*units):
            one = alone(graph, layer, sizes)
            if one not in known:
                say(f"{layer.name}: {' -> '.join(map(str, sizes))} units")
                known[one] = time(board, one)
            us.append(known[one])
        layers[layer.name] = LayerTimes(units, np.reshape(us, [len(axis) for axis in units]))
    facts = board.facts()
    return Latency(f"{facts.name} ({facts.provenance})", layers)


def widths(group: Group, points: int) -> NDArray[np.int64]:
    """Return the widths of a group to measure, ascending."""
    if not group.cut:
        return np.array([group.units])
    spread = np.linspace(min(STEP, group.units), group.units, points)
    return np.unique([min(round_up(round(n), STEP), group.units) for n in spread])


def alone(graph: Graph, layer: Layer, sizes: Sequence[int]) -> Graph:
    """Return the layer as a net of its own.

    Args:
        graph: The net.
        layer: One of its layers.
        sizes: Units that it reads and units that it writes; one number if both are in the same group.
    """
    groups = tuple(Group(int(n), cut=False) for n in sizes)
    source, written = graph.tensors[layer.inputs[0]], graph.tensors[layer.output]
    tensors = replace(source, group=0), replace(written, group=len(groups) - 1)
    one = replace(
        layer, name="layer", inputs=(0,) * len(layer.inputs), output=1, reads=0, writes=len(groups) - 1
    )
    return Graph(groups, tensors, (one,))


def time(board: Board, graph: Graph) -> float:
    """Return the median microseconds of one inference. Raises `SetupError` if the board has no such clock."""
    model = with_random_weights("layer", graph, {"100%": graph.full})
    board.deploy(model)
    x = np.random.default_rng(0).integers(-LIMIT, LIMIT + 1, (1, model.input_size)).astype(np.int8)
    clock = next((clock for clock in board.facts().clocks if clock.hz), None)
    if clock is None:
        raise SetupError("it counts instructions, not time; measure on another board", board=board.name)
    return median(board.measure(0, SAMPLES, clock, x).microseconds)
