"""Turn latencies measured on a board, layer by layer at some widths, into a cost at every width."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.errors import GraphError, LatencyError
from reds.files import write_atomically
from reds.graph import Graph, Layer
from reds.nesting.cost import Cost, Grid, add_where_running
from reds.nesting.depth import switches
from reds.nesting.solver.problem import Groups
from reds.reading import parse_json, read_regular, reason

NANOSECONDS = 1000
"""Nanoseconds of a microsecond. The solver adds integers, so it counts nanoseconds."""
STEP = 4
"""Units that a kernel processes at once: one to three take as long as four, or up to a tenth more."""


@dataclass(frozen=True)
class LayerTimes:
    """The measured times of one layer.

    Raises:
        LatencyError: The arrays do not form such a table.
    """

    units: Sequence[NDArray[np.int64]]
    """The units measured, ascending: those read and those written, or one axis if both are one group."""
    us: NDArray[np.float64]
    """Microseconds at these units, float64 [units read, units written]."""

    def __post_init__(self) -> None:
        shapes = [axis.shape for axis in self.units]
        if any(axis.ndim != 1 for axis in self.units) or self.us.shape != tuple(map(len, self.units)):
            raise LatencyError(f"times have shape {self.us.shape} for axes of units of shapes {shapes}")
        if not (np.isfinite(self.us) & (self.us >= 0)).all():
            raise LatencyError("a time is not a number of microseconds, 0 or more")
        for axis in self.units:
            if not ((np.diff(axis) > 0).all() and (axis > 0).all()):
                raise LatencyError(f"units are {axis.tolist()}: they must be at least 1 and ascend")


@dataclass(frozen=True)
class Latency:
    """The measured times of a network's layers, all from one board."""

    board: str
    """Name of the board, for error messages."""
    layers: Mapping[str, LayerTimes]
    """Times by the name of the layer."""


def times_json(latency: Latency) -> bytes:
    """Return the times as JSON, as `load` reads them."""
    layers = {
        name: {"units": [axis.tolist() for axis in times.units], "us": times.us.tolist()}
        for name, times in latency.layers.items()
    }
    return (json.dumps({"board": latency.board, "layers": layers}, indent=1) + "\n").encode()


def save(latency: Latency, path: Path) -> None:
    """Write the times as JSON, atomically.

    Raises:
        OSError: The file cannot be written.
    """
    write_atomically(path, times_json(latency))


def load(path: Path) -> Latency:
    """Read times that `save` wrote.

    Raises:
        LatencyError: The file cannot be read, or is no table of times.
    """
    try:
        raw = parse_json(read_regular(path))
        layers = {
            str(name): LayerTimes(
                [np.array(axis, np.int64) for axis in times["units"]], np.array(times["us"], np.float64)
            )
            for name, times in raw["layers"].items()
        }
        return Latency(str(raw["board"]), layers)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise LatencyError(
            f"{path}: not a table of times: {reason(error)}; measure one with `hil latency`"
        ) from None


def latency_cost(graph: Graph, grids: Sequence[Grid], latency: Latency) -> Cost:
    """Return the nanoseconds of an inference: the sum of its layers' times.

    Widths are rounded up to a multiple of STEP, and times between two measured ones are interpolated.

    Args:
        graph: The full network.
        grids: The widths of each group.
        latency: The measured times.

    Raises:
        GraphError: A layer was not measured, or not over all its widths.
    """
    tables: dict[Groups, NDArray[np.int64]] = {}
    for layer, switch in zip(graph.layers, switches(graph, grids), strict=True):
        groups = (layer.reads,) if layer.reads == layer.writes else (layer.reads, layer.writes)
        if layer.name not in latency.layers:
            raise GraphError(
                f"the times of {latency.board} lack layer {layer.name}, so they belong to another net:"
                " measure this one with `hil latency`"
            )
        table = np.zeros([len(grids[g]) for g in groups], np.int64)
        running = [grids[g][grids[g] > 0] for g in groups]
        if all(map(len, running)):
            us = _interpolated(latency, layer, running)
            after = tuple(slice(len(grids[g]) - len(n), None) for g, n in zip(groups, running, strict=True))
            table[after] = np.rint(us * NANOSECONDS)
        ordered = tuple(sorted(groups))
        add_where_running(tables, ordered, table if ordered == groups else table.T, switch, grids)
    return Cost("us", tables, digits=3)


def _interpolated(latency: Latency, layer: Layer, wanted: Sequence[Grid]) -> NDArray[np.float64]:
    """Return the layer's times at all wanted widths: rounded up to a multiple of STEP, then linear."""
    times = latency.layers[layer.name]
    us = times.us
    if us.ndim != len(wanted):
        raise GraphError(
            f"{latency.board}: layer {layer.name} has times over {us.ndim} unit groups, not {len(wanted)}:"
            " measure this net with `hil latency`"
        )
    for axis, (units, widths) in enumerate(zip(times.units, wanted, strict=True)):
        grid = np.where(widths < units[-1], np.minimum(-(-widths // STEP) * STEP, units[-1]), widths)
        if grid[0] < units[0] or grid[-1] > units[-1]:
            raise GraphError(
                f"{latency.board}: layer {layer.name} was measured from {units[0]} to {units[-1]} units,"
                f" not from {grid[0]} to {grid[-1]}"
            )
        lines = np.moveaxis(us, axis, -1)
        flat = lines.reshape(-1, len(units))
        interpolated = np.array([np.interp(grid, units, line) for line in flat])
        us = np.moveaxis(interpolated.reshape(*lines.shape[:-1], len(grid)), -1, axis)
    return us
