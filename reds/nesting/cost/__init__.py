"""Count the costs of a subnet, as tables over the widths of a few unit groups.

MACs, flash and measured latency are sums over the layers, each of which couples the group that it reads with
the group that it writes. The arena is a maximum over the layers. One `Cost` describes either, and one solver
serves all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import GraphError
from reds.graph import Graph, Layer, channels
from reds.nesting.depth import half_blocks, switches
from reds.nesting.solver.problem import Choice, Groups, entries
from reds.pack.model import table_rows
from reds.pack.padding import round_up
from reds.rules import is_integer
from reds.text import shown

Grid = NDArray[np.int64]
"""The widths that a unit group may have, ascending."""
CostTables = Mapping[Groups, NDArray[np.int64]]
"""For groups, ascending, the cost at all their widths: int64 [widths of the first, of the second, ...]."""
ROW_BYTES = 8
"""Bytes of a table's row: an int32 bias and an int32 multiplier."""


@dataclass(frozen=True)
class Cost:
    """A cost of a choice: the sum of its tables' entries, or with `peak` their maximum."""

    unit: str
    tables: CostTables
    peak: bool = False
    digits: int = 0
    """Entries are integers: 10 to the power of `digits` make one `unit`."""

    def evaluate(self, choice: Choice) -> int:
        """Return the cost of a choice, which is an index into each group's grid."""
        values = entries(self.tables, choice)
        return int(max(values) if self.peak else sum(values))

    def format(self, cost: int) -> str:
        """Return a cost with its unit, as messages print it."""
        return f"{cost / 10**self.digits:.{min(self.digits, 3)}f} {self.unit}"


def width_grids(
    graph: Graph, step: int | Sequence[int], least: int | Sequence[int], depth: bool = False
) -> list[Grid]:
    """Return for each group the widths to choose from: multiples of `step`, and the full width.

    Args:
        graph: The full network. Groups that are never cut have their full width only.
        step: Widths are multiples of this; one number, or one for each group.
        least: The fewest units to keep; one number, or one for each group.
        depth: Whether groups of a block that may be left out have the width 0 too.

    Raises:
        GraphError: A number is not whole or less than 1, or there is not one for each group.
    """
    n = len(graph.groups)
    steps, fewest = _of_groups("step", step, n), _of_groups("least", least, n)
    none = {g for block in graph.blocks for g in block.groups} if depth else set[int]()
    return [
        np.unique([*range(round_up(first, by), group.units, by), group.units, *([0] if g in none else [])])
        if group.cut
        else np.array([group.units])
        for g, (group, by, first) in enumerate(zip(graph.groups, steps, fewest, strict=True))
    ]


def _of_groups(name: str, given: int | Sequence[int], groups: int) -> Sequence[int]:
    """Return the number of each group. Raises `GraphError`, which calls it `name`, unless it is 1 or more."""
    each = [*given] if isinstance(given, Sequence | np.ndarray) else [given] * groups
    if len(each) != groups or not all(is_integer(number) and number >= 1 for number in each):
        raise GraphError(
            f"`{name}` is {shown(given)}: a whole number of 1 or more is needed, or one for each of"
            f" {groups} groups"
        )
    return [int(number) for number in each]


def macs_cost(graph: Graph, grids: Sequence[Grid]) -> Cost:
    """Return the multiply-accumulates, with the fan-in that a subnet keeps, the classifier included.

    REDS, arXiv 2311.13349, counts the full network's fan-in instead.
    """
    return Cost("MACs", sum_over_layers(graph, grids, Layer.macs))


def flash_cost(graph: Graph, grids: Sequence[Grid]) -> Cost:
    """Return the bytes of a single subnet's weights and tables in the canonical layout, without headers."""
    return Cost("bytes of flash", sum_over_layers(graph, grids, flash_bytes))


def flash_bytes(layer: Layer, widths: Sequence[int]) -> Any:
    """Return the bytes of the weights and the table that a subnet of these widths reads in a layer."""
    return layer.weights(widths) + ROW_BYTES * round_up(
        table_rows(layer.kind, channels(layer.writes, widths)), 4
    )


def half_blocks_cost(graph: Graph, grids: Sequence[Grid]) -> Cost:
    """Return a cost of 0 where every block is left out as a whole or not at all, else of 1."""
    return Cost("blocks left out in part", half_blocks(graph, grids), peak=True)


def sum_over_layers(
    graph: Graph, grids: Sequence[Grid], count: Callable[[Layer, Sequence[int]], int]
) -> CostTables:
    """Return the sum of a count over the layers, at all widths of the groups that each layer couples.

    Args:
        graph: The full network.
        grids: The widths of each group.
        count: The count of a layer at the widths of all groups. It also takes arrays of widths.
    """
    tables: dict[Groups, NDArray[np.int64]] = {}
    for layer, switch in zip(graph.layers, switches(graph, grids), strict=True):
        groups = layer.groups
        counts = count(layer, broadcast_widths(groups, grids))
        table = np.zeros([len(grids[g]) for g in groups], np.int64) + counts
        add_where_running(tables, groups, table, switch, grids)
    return tables


def add_where_running(
    tables: dict[Groups, NDArray[np.int64]], groups: Groups, table: NDArray[np.int64], switch: Groups,
    grids: Sequence[Grid],
) -> None:  # fmt: skip
    """Add the table of a layer to those of all, with 0 at the widths that leave the layer out.

    Args:
        tables: The sums so far.
        groups: The groups of the table, ascending.
        table: The cost of the layer, int64 [widths of the first group, ...].
        switch: The group whose width 0 leaves the layer out, or none.
        grids: The widths of each group.
    """
    together = tuple(sorted({*groups, *switch}))
    widths = broadcast_widths(together, grids)
    part = table.reshape([len(grids[g]) if g in groups else 1 for g in together])
    for g in switch:
        part = part * (widths[g] > 0)
    tables[together] = tables.get(together, 0) + part


def broadcast_widths(groups: Groups, grids: Sequence[Grid]) -> Any:
    """Return the widths of each of these groups along an axis of its own, so that a count becomes a table."""
    return dict(zip(groups, np.ix_(*(grids[g] for g in groups)), strict=True))
