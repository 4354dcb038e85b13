"""Read a user's own gains: the worth of each number of units of a group."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reds.errors import SettingsError
from reds.graph import Graph
from reds.nesting.cost import width_grids
from reds.nesting.cost.axes import Grid
from reds.nesting.limits import Gains
from reds.nesting.options import SelectionOptions
from reds.rules import is_number, is_whole
from reds.text import shown

OwnGains = Mapping[str, Mapping[str, float] | Mapping[int, float]]
"""For a layer the worth of each number of units written, as `{"conv1": {8: 0.2, 16: 0.6, 32: 1.0}}`."""


def own_gains(graph: Graph, tables: OwnGains, grids: list[Grid]) -> Gains:
    """Return the gain at each width of each group; between two numbers of units it is linear.

    Args:
        graph: The full network.
        tables: A table for each group that is cut, under the name of a layer that writes it. Worths are at
            least 0 and do not fall.
        grids: The widths of each group.

    Raises:
        SettingsError: A table is missing or superfluous, does not reach from the smallest to the largest
            width, or has a value that is none of the above.
    """
    if not isinstance(tables, Mapping):
        raise SettingsError(f"gains: {shown(tables)}: a table of units for each layer is needed")
    writes = {layer.name: layer.writes[0].group for layer in graph.layers if len(layer.writes) == 1}
    cut = {g: next(n for n, w in writes.items() if w == g) for g, grid in enumerate(grids) if len(grid) > 1}
    found: dict[tuple[int, ...], NDArray[np.float64]] = {}
    for name, table in tables.items():
        group = writes.get(name, -1)
        if group not in cut:
            raise SettingsError(f"gains, {shown(name)}: no such layer is cut: give one each of {_names(cut)}")
        if (group,) in found:
            raise SettingsError(f"gains, {shown(name)}: another layer of the same units has gains: give one")
        units, worth = _table(name, table)
        grid = grids[group]
        if units[0] > grid[0] or units[-1] != grid[-1]:
            raise SettingsError(
                f"gains, {shown(name)}: they reach from {units[0]} to {units[-1]} units, and {grid[0]} to"
                f" {grid[-1]} are to choose from: give the gains at both ends"
            )
        found[(group,)] = np.interp(grid, units, worth)
    if lacking := {g: name for g, name in cut.items() if (g,) not in found}:
        raise SettingsError(f"gains: none for {_names(lacking)}: give gains for the units of each")
    return found


def check_gains(graph: Graph, options: SelectionOptions) -> None:
    """Check a user's own gains, if there are any, before anything is trained. Raises `SettingsError`."""
    if options.gains is not None:
        own_gains(graph, options.gains, width_grids(graph, options.step, options.least, options.blocks))


def _table(name: str, table: object) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of units, ascending, and their worths."""
    rows = [(_units(key), worth) for key, worth in table.items()] if isinstance(table, Mapping) else []
    if not rows or any(units is None or not is_number(worth) for units, worth in rows):
        raise SettingsError(
            f"gains, {shown(name)}: {shown(table)}: units and gains are needed, as {{ 8 = 0.2, 16 = 1.0 }}"
        )
    units, worth = (np.array(column) for column in zip(*sorted(rows), strict=True))
    if worth[0] < 0 or (np.diff(worth) < 0).any() or (np.diff(units) == 0).any():
        raise SettingsError(
            f"gains, {shown(name)}: {shown(worth.tolist())}: gains of at least 0 are needed that do not fall,"
            " and one for a number of units"
        )
    return units, worth


def _units(key: object) -> int | None:
    if isinstance(key, str) and key.isascii() and key.isdecimal():
        return int(key[:9])
    return key if is_whole(key) and key >= 0 else None  # type: ignore[operator, return-value]


def _names(layers: Mapping[int, str]) -> str:
    return ", ".join(layers.values())
