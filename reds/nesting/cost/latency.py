"""Turn latencies measured on a board, layer by layer at some widths, into a cost at every width.

A board that counts instructions and no time has latencies in instructions: budgets are then in these too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.errors import GraphError, LatencyError
from reds.files import write_atomically
from reds.graph import Graph, Layer, Widths
from reds.nesting.cost import Cost, add_where_running
from reds.nesting.cost.axes import Grid, axes_of
from reds.nesting.depth import switches
from reds.nesting.solver.problem import Groups
from reds.reading import parse_json, read_regular, reason
from reds.text import shown

NANOSECONDS = 1000
"""Nanoseconds of a microsecond. The solver adds integers, so it counts nanoseconds, or thousandths."""
UNITS = ("us", "instructions")
"""Units of latencies."""
STEP = 4
"""Units that a kernel processes at once. Times are linear over widths that leave the same remainder."""


@dataclass(frozen=True)
class LayerTimes:
    """The measured times of one layer.

    Raises:
        LatencyError: The arrays do not form such a table.
    """

    units: Sequence[NDArray[np.int64]]
    """The units measured, ascending: those read and those written, or one axis if both are one group.

    Of a tensor of several groups its channels count, all groups together.
    """
    us: NDArray[np.float64]
    """Microseconds, or instructions, at these units, float64 [units read, units written]."""

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
    hz: float | None = None
    """Cycles of the board's processor in a second; None if the board counts none."""
    unit: str = UNITS[0]
    """Unit of the times: one of `UNITS`."""

    def __post_init__(self) -> None:
        if self.hz is not None and not 0 < self.hz < inf:
            raise LatencyError(f"the clock is {self.hz} Hz: more than 0 is needed")
        if self.unit not in UNITS:
            raise LatencyError(f"the unit is {shown(self.unit)}: {' or '.join(UNITS)} is needed")


def times_json(latency: Latency) -> bytes:
    """Return the times as JSON, as `load` reads them."""
    layers = {
        name: {"units": [axis.tolist() for axis in times.units], "us": times.us.tolist()}
        for name, times in latency.layers.items()
    }
    whole = {"board": latency.board, "clock_hz": latency.hz, "unit": latency.unit, "layers": layers}
    return (json.dumps(whole, indent=1) + "\n").encode()


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
        hz = raw.get("clock_hz")
        unit = str(raw.get("unit", UNITS[0]))
        return Latency(str(raw["board"]), layers, None if hz is None else float(hz), unit)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise LatencyError(
            f"{path}: not a table of times: {reason(error)}; measure one with `hil latency`"
        ) from None


def latency_cost(graph: Graph, grids: Sequence[Grid], latency: Latency) -> Cost:
    """Return the nanoseconds of an inference, or thousandths of instructions: the sum of its layers.

    Args:
        graph: The full network.
        grids: The widths of each group.
        latency: The measured times.

    Raises:
        GraphError: A layer was not measured, or not over all its widths.
    """
    axes, tables = axes_of(graph, grids), dict[Groups, NDArray[np.int64]]()
    for layer, switch in zip(graph.layers, switches(graph, grids), strict=True):
        groups = tuple(dict.fromkeys(axes.of(spans).group for spans in (layer.reads, layer.writes)))
        if layer.name not in latency.layers:
            raise GraphError(
                f"the times of {latency.board} lack layer {layer.name}, so they belong to another net:"
                " measure this one with `hil latency`"
            )
        table = np.zeros([len(axes.grids[g]) for g in groups], np.int64)
        running = [axes.grids[g][axes.grids[g] > 0] for g in groups]
        if all(map(len, running)):
            us = _interpolated(latency, layer, running)
            after = tuple(
                slice(len(axes.grids[g]) - len(n), None) for g, n in zip(groups, running, strict=True)
            )
            table[after] = np.rint(us * NANOSECONDS)
        ordered = tuple(sorted(groups))
        add_where_running(tables, ordered, table if ordered == groups else table.T, switch, axes.grids)
    return Cost(latency.unit, (tables,), digits=3)


def nanoseconds(graph: Graph, widths: Widths, latency: Latency) -> int:
    """Return the nanoseconds, or thousandths of instructions, of a subnet. Raises as `latency_cost` does."""
    (tables,) = latency_cost(graph, [np.array([n]) for n in widths], latency).rows
    return sum(int(table.sum()) for table in tables.values())


def _interpolated(latency: Latency, layer: Layer, wanted: Sequence[Grid]) -> NDArray[np.float64]:
    """Return the layer's times at all wanted widths."""
    times = latency.layers[layer.name]
    us = times.us
    if us.ndim != len(wanted):
        raise GraphError(
            f"{latency.board}: layer {layer.name} has times over {us.ndim} unit groups, not {len(wanted)}:"
            " measure this net with `hil latency`"
        )
    for axis, (units, widths) in enumerate(zip(times.units, wanted, strict=True)):
        if -(-widths[0] // STEP) * STEP < units[0] or widths[-1] > units[-1]:
            raise GraphError(
                f"{latency.board}: layer {layer.name} was measured from {units[0]} to {units[-1]} units,"
                f" not from {widths[0]} to {widths[-1]}"
            )
        shares = np.array([_shares(units, int(width)) for width in widths])
        us = np.moveaxis(np.tensordot(shares, us, (1, axis)), 0, axis)
    return us


def _shares(units: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Return the part that each measured width has in the time of another one, float64 [len(units)].

    Only widths of the same remainder by STEP count. Where they do not reach as far, the width counts as the
    next multiple of STEP, from which its time differs by a tenth at most.
    """
    alike = np.flatnonzero(units % STEP == width % STEP)
    if not len(alike) or not units[alike[0]] <= width <= units[alike[-1]]:
        width = min(-(-width // STEP) * STEP, int(units[-1]))
        alike = np.unique([*np.flatnonzero(units % STEP == 0), len(units) - 1])
    shares = np.zeros(len(units))
    shares[alike] = [np.interp(width, units[alike], one) for one in np.eye(len(alike))]
    return shares
