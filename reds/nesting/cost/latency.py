"""Latencies measured on a board, layer by layer at some widths, as a cost at every width."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.errors import GraphError, LatencyError
from reds.files import write_atomically
from reds.graph import Graph, Layer
from reds.nesting.cost import Cost, Grid
from reds.nesting.solver.problem import Groups

NANOSECONDS = 1000
"""In a microsecond; the solver adds whole nanoseconds."""
STEP = 4
"""Units that every kernel takes at once: one to three of them take what four do, or up to a tenth more."""


@dataclass(frozen=True)
class LayerTimes:
    """What one layer takes: `us` float64 [units read, units written], at the units measured, ascending.

    A layer that writes the group that it reads has one axis. Raises `LatencyError` for what is no such table.
    """

    units: Sequence[NDArray[np.int64]]
    us: NDArray[np.float64]

    def __post_init__(self) -> None:
        lines = all(axis.ndim == 1 for axis in self.units)
        if not lines or self.us.shape != tuple(map(len, self.units)):
            raise LatencyError(f"{self.us.shape} times for {len(self.units)} axes")
        if not (np.isfinite(self.us) & (self.us >= 0)).all():
            raise LatencyError("a time is no number of microseconds")
        if not all((np.diff(axis) > 0).all() and (axis > 0).all() for axis in self.units):
            raise LatencyError("units do not ascend")


@dataclass(frozen=True)
class Latency:
    """Times by the layer's name, all from one board, which the errors name."""

    board: str
    layers: Mapping[str, LayerTimes]


def times_json(latency: Latency) -> bytes:
    """The times as `load` reads them."""
    layers = {
        name: {"units": [axis.tolist() for axis in times.units], "us": times.us.tolist()}
        for name, times in latency.layers.items()
    }
    return (json.dumps({"board": latency.board, "layers": layers}, indent=1) + "\n").encode()


def save(latency: Latency, path: Path) -> None:
    """Write the times as JSON, whole or not at all. Raises `OSError`."""
    write_atomically(path, times_json(latency))


def load(path: Path) -> Latency:
    """Read what `save` wrote. Raises `LatencyError`."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        layers = {
            str(name): LayerTimes(
                [np.array(axis, np.int64) for axis in times["units"]], np.array(times["us"], np.float64)
            )
            for name, times in raw["layers"].items()
        }
        return Latency(str(raw["board"]), layers)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LatencyError(
            f"{path}: no table of times: {reason}; measure one with `python -m hil.latency`"
        ) from None


def latency_cost(graph: Graph, grids: Sequence[Grid], latency: Latency) -> Cost:
    """Nanoseconds of an inference: the layers' times, in proportion between those measured, STEP by STEP.

    Raises `GraphError` naming a layer that was not measured, or not over all its widths.
    """
    tables: dict[Groups, NDArray[np.int64]] = {}
    for layer in graph.layers:
        groups = (layer.reads,) if layer.reads == layer.writes else (layer.reads, layer.writes)
        if layer.name not in latency.layers:
            raise GraphError(
                f"the times of {latency.board} have none of layer {layer.name}, they are of another net:"
                " measure this one with `python -m hil.latency`"
            )
        us = _between(latency, layer, [grids[g] for g in groups])
        table = np.rint(us * NANOSECONDS).astype(np.int64)
        ordered = tuple(sorted(groups))
        tables[ordered] = tables.get(ordered, 0) + (table if ordered == groups else table.T)
    return Cost("us", tables, digits=3)


def _between(latency: Latency, layer: Layer, wanted: Sequence[Grid]) -> NDArray[np.float64]:
    """The layer's times at all wanted widths, rounded up to whole steps, linear along each axis."""
    times = latency.layers[layer.name]
    us = times.us
    if us.ndim != len(wanted):
        raise GraphError(f"{latency.board}: layer {layer.name}: {us.shape} times for {len(wanted)} axes")
    for axis, (units, each) in enumerate(zip(times.units, wanted, strict=True)):
        grid = np.where(each < units[-1], np.minimum(-(-each // STEP) * STEP, units[-1]), each)
        if grid[0] < units[0] or grid[-1] > units[-1]:
            raise GraphError(
                f"{latency.board}: layer {layer.name} was measured from {units[0]} to {units[-1]} units,"
                f" not from {grid[0]} to {grid[-1]}"
            )
        lines = np.moveaxis(us, axis, -1)
        between = np.array([np.interp(grid, units, line) for line in lines.reshape(-1, len(units))])
        us = np.moveaxis(between.reshape(*lines.shape[:-1], len(grid)), -1, axis)
    return us
