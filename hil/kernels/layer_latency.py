"""Measure the latency of every layer of a net on a board, at several widths.

Selection adds up these times as it adds up multiply-accumulates, so subnets are chosen by their latency on
the device (`reds.nesting.cost.latency`). Layers are timed within subnets of the whole net, many of which are
sent in one pack with random weights.
"""

from collections.abc import Callable, Sequence
from itertools import count, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.errors import PackRefused, SetupError
from hil.kernels.nano import some_input
from hil.protocol.hello import INSTRUCTIONS, Clock
from hil.results.samples import Samples
from hil.results.statistics.quantiles import median
from reds.graph import Graph, Layer, Widths, channels
from reds.nesting.cost.axes import Grid, axes_of
from reds.nesting.cost.latency import NANOSECONDS, STEP, Latency, LayerTimes, nanoseconds
from reds.pack.model import MOST_SUBNETS
from reds.pack.padding import round_up
from reds.zoo.random_weights import with_random_weights

POINTS = 8
"""Widths of each unit group that are measured, where it has more."""
_LEAST_ALIKE = 4
"""Fewest measured widths of each remainder by STEP."""
_SAMPLES = 5
"""Timed inferences on hardware, whose median counts. Emulated inferences all take the same time."""

Say = Callable[[str], None]


def measure(board: Board, graph: Graph, grids: Sequence[Grid], points: int, say: Say) -> Latency:
    """Measure all layers at the widths of subnets.

    Args:
        board: The board.
        graph: The net.
        grids: The widths that each unit group may have; at width 0 its layers do not run.
        points: Number of widths of each group to measure.
        say: Called with the present step.

    Raises:
        PackRefused: The net does not fit the board.
        SetupError: The board has no clock that counts time or instructions.
    """
    facts, clock = board.facts(), _clock(board)
    axes = [widths_to_measure(grid, points) for grid in running_widths(grids)]
    levels = covering(graph, [len(axis) for axis in axes])
    times: list[NDArray[np.float64]] = []
    for chain in chains(levels):
        say(f"timing layers, {len(times)} of {len(levels)} subnets done")
        times += _timed(board, graph, [_widths(axes, row) for row in chain], clock)
    layers = {}
    for i, layer in enumerate(graph.layers):
        us, groups = np.array(times)[:, i], [*dict.fromkeys(s.group for s in (*layer.reads, *layer.writes))]
        if _of_sums(layer):
            measured = np.array([_widths(axes, row) for row in levels])
            layers[layer.name] = _fitted(graph, layer, grids, measured, us)
        else:
            table = np.zeros([len(axes[g]) for g in groups])
            table[tuple(levels[:, groups].T)] = us
            layers[layer.name] = LayerTimes([axes[g] for g in groups], table)
    cycles = next((float(clock.hz) for clock in facts.clocks if clock.name == "cycles" and clock.hz), None)
    unit = "us" if clock.hz else INSTRUCTIONS
    return Latency(f"{facts.name} ({facts.provenance})", layers, cycles, unit)


def _clock(board: Board) -> Clock:
    """Return the clock that latencies are of: one that counts time, or else instructions."""
    clocks = sorted(board.facts().clocks, key=lambda clock: not clock.hz)
    found = next((clock for clock in clocks if clock.hz or clock.name == INSTRUCTIONS), None)
    if found is None:
        raise SetupError(
            "it counts neither time nor instructions; measure on another board", board=board.name
        )
    return found


def _of_sums(layer: Layer) -> bool:
    """Return whether the layer reads or writes a tensor of several unit groups, as a concatenation."""
    return any(len({span.group for span in spans}) > 1 for spans in (layer.reads, layer.writes))


def _fitted(
    graph: Graph, layer: Layer, grids: Sequence[Grid], widths: NDArray[np.int64], us: NDArray[np.float64]
) -> LayerTimes:
    """Return times over the channels that a layer reads and writes, by least squares.

    A layer's work has a part for each call, for each channel read or written, and for each pair of them.

    Args:
        graph: The net.
        layer: The layer.
        grids: The widths that each unit group may have.
        widths: Those that were measured, [subnets, groups].
        us: Times of each of these subnets.
    """
    of = axes_of(graph, running_widths(grids))
    columns: Any = widths.T
    sides = {of.of(spans).group: spans for spans in (layer.reads, layer.writes)}
    units, measured = list[NDArray[np.int64]](), list[NDArray[np.int64]]()
    for axis, spans in sides.items():
        grid = of.grids[axis]
        units.append(np.unique([grid[0], min(round_up(int(grid[0]), STEP), grid[-1]), grid[-1]]))
        measured.append(channels(spans, columns) // (of.of(spans).channels[-1] // grid[-1]))

    def terms(*each: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return 1, the channels of each side, and their product, along the last axis."""
        whole: list[Any] = [1.0, *each, each[0] * each[-1]]
        return np.stack(np.broadcast_arrays(*whole), axis=-1)

    factors = np.linalg.lstsq(terms(*measured), us, rcond=None)[0]
    return LayerTimes(units, np.maximum(terms(*np.ix_(*units)) @ factors, 0.0))


def errors(
    board: Board, graph: Graph, grids: Sequence[Grid], latency: Latency, n: int, say: Say
) -> list[float]:
    """Return by how much predicted times of whole subnets exceed the measured ones, relative to these.

    Args:
        board: The board that measured the times.
        graph: The net.
        grids: The widths that each unit group may have; no subnet leaves out blocks.
        latency: The times of the layers.
        n: Number of subnets, of random widths with a fixed seed.
        say: Called with the present step.
    """
    clock, rng = _clock(board), np.random.default_rng(0)
    grids = running_widths(grids)
    off = []
    for i in range(n):
        say(f"timing whole subnets, {i} of {n} done")
        widths = tuple(int(grid[rng.integers(len(grid))]) for grid in grids)
        model = with_random_weights("subnet", graph, {"subnet": widths})
        board.deploy(model)
        measured = median(_values(board.measure(0, _samples(board), clock, some_input(model))))
        off.append(nanoseconds(graph, widths, latency) / NANOSECONDS / measured - 1)
    return off


def running_widths(grids: Sequence[Grid]) -> list[Grid]:
    """Return the widths at which the layers of each group run: all but 0, which leaves out a block."""
    return [grid[grid > 0] for grid in grids]


def widths_to_measure(grid: Grid, points: int) -> Grid:
    """Return some widths of a group, ascending: as many of each remainder by STEP, between its ends."""
    alike = [grid[grid % STEP == remainder] for remainder in range(STEP)]
    found = [widths for widths in alike if len(widths)]
    each = max(_LEAST_ALIKE, points // len(found))
    return np.unique(np.concatenate([w[np.linspace(0, len(w) - 1, each).round().astype(int)] for w in found]))


def covering(graph: Graph, levels: Sequence[int]) -> NDArray[np.intp]:
    """Return choices of a level for each group, in which each layer's two groups take all pairs of levels.

    Groups that a layer joins get different columns of an orthogonal array of strength 2 (Bose, 1938).

    Args:
        graph: The net.
        levels: Number of levels of each group.

    Returns:
        The choices, [choices, groups], each once.
    """
    columns: list[int] = []
    for group in range(len(levels)):
        joined = {g for layer in graph.layers for pair in _pairs(layer) if group in pair for g in pair}
        taken = {columns[g] for g in joined if g < group}
        columns.append(next(column for column in count() if column not in taken))
    least = max(*levels, max(columns), 2)
    p = next(n for n in count(least) if all(n % divisor for divisor in range(2, n)))
    i, j = np.divmod(np.arange(p * p), p)
    array = np.stack([j if column == 0 else (i + (column - 1) * j) % p for column in columns], axis=1)
    rows = dict.fromkeys(map(tuple, (array % np.array(levels)).tolist()))
    return np.array(list(rows))


def _pairs(layer: Layer) -> list[tuple[int, ...]]:
    """Return the groups whose levels a layer needs in all pairs; a fit over sums only needs neighbors."""
    return [*pairwise(layer.groups)] if _of_sums(layer) else [layer.groups]


def chains(levels: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Split choices, in their order, into chains of nested ones, as a pack holds them."""
    starts = [0]
    for at, (before, row) in enumerate(pairwise(levels), 1):
        if (row < before).any() or at - starts[-1] == MOST_SUBNETS:
            starts.append(at)
    return np.split(levels, starts[1:])


def _widths(axes: Sequence[Grid], levels: NDArray[np.intp]) -> Widths:
    return tuple(int(axis[k]) for axis, k in zip(axes, levels, strict=True))


def _timed(board: Board, graph: Graph, subnets: Sequence[Widths], clock: Clock) -> list[NDArray[np.float64]]:
    """Return the times of each layer, [layers], of each of some nested subnets."""
    model = with_random_weights("layers", graph, {str(i): widths for i, widths in enumerate(subnets)})
    try:
        board.deploy(model)
    except PackRefused:
        if len(subnets) == 1:
            raise
        half = len(subnets) // 2
        return [
            *_timed(board, graph, subnets[:half], clock),
            *_timed(board, graph, subnets[half:], clock),
        ]
    x = some_input(model)
    return [_layers(board, subnet, clock, x) for subnet in range(len(subnets))]


def _layers(board: Board, subnet: int, clock: Clock, x: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the times of each layer, which add up to that of a whole inference."""
    n = _samples(board)
    board.settle()
    layers = [median(_values(each)) for each in board.profile(subnet, n, clock, x).layers]
    whole = median(_values(board.measure(subnet, n, clock, x)))
    return np.maximum(0.0, np.array(layers) + (whole - sum(layers)) / len(layers))


def _values(samples: Samples) -> Sequence[float]:
    """Return samples in microseconds, or in instructions if their clock counts these."""
    return samples.microseconds if samples.clock.hz else samples.ticks


def _samples(board: Board) -> int:
    return 1 if board.facts().provenance is Provenance.EMULATED else _SAMPLES
