"""What a subnet costs, as tables over the widths of a few unit groups.

MACs, flash and measured latencies add up over the layers, each of which couples the group that it reads with
the group that it writes; arena is the most that lives together. Each is a `Cost`, and one solver serves all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import GraphError
from reds.graph import Graph, Layer
from reds.nesting.solver.problem import Choice, Groups, entries
from reds.pack.model import table_rows
from reds.pack.padding import round_up

Grid = NDArray[np.int64]
"""Widths that a unit group may take, ascending."""
CostTables = Mapping[Groups, NDArray[np.int64]]
"""Groups, ascending: a cost [widths of the first, widths of the second...] of what they cost together."""
ROW_BYTES = 8
"""Of a table's row: an int32 bias and an int32 multiplier."""


@dataclass(frozen=True)
class Cost:
    """The sum of its tables' entries, or with `peak` the largest of them.

    A whole number of entries makes a `unit`: ten to the power of `digits`.
    """

    unit: str
    tables: CostTables
    peak: bool = False
    digits: int = 0

    def of(self, choice: Choice) -> int:
        """The cost of a choice: an index into each group's grid."""
        each = entries(self.tables, choice)
        return int(max(each) if self.peak else sum(each))

    def says(self, entry: int) -> str:
        """As a message has it."""
        return f"{entry / 10**self.digits:.{self.digits}f} {self.unit}"


def width_grids(graph: Graph, step: int | Sequence[int], least: int | Sequence[int]) -> list[Grid]:
    """For each group the widths to choose from: multiples of `step` from `least` units, and the full width.

    Both are one number, or one a group. Groups that are not cut have their full width alone. Raises
    `GraphError` for a number under 1.
    """
    n = len(graph.groups)
    steps, fewest = np.broadcast_to(step, n).tolist(), np.broadcast_to(least, n).tolist()
    if min(*steps, *fewest) < 1:
        raise GraphError(f"widths by steps of {step} from {least} units: both are 1 or more")
    return [
        np.unique([*range(round_up(first, by), group.units, by), group.units])
        if group.cut
        else np.array([group.units])
        for group, by, first in zip(graph.groups, steps, fewest, strict=True)
    ]


def macs_cost(graph: Graph, grids: Sequence[Grid]) -> Cost:
    """Multiply-accumulates, true fan-in, classifier counted (REDS, arXiv 2311.13349, counts full fan-in)."""
    return Cost("MACs", added(graph, grids, Layer.macs))


def flash_cost(graph: Graph, grids: Sequence[Grid]) -> Cost:
    """Bytes of a subnet's weights and tables in the canonical layout, alone; headers are not counted."""
    return Cost("bytes of flash", added(graph, grids, flash_bytes))


def flash_bytes(layer: Layer, widths: Sequence[int]) -> int:
    """Bytes of the weights and of the table that a subnet of these group widths reads in a layer."""
    return layer.weights(widths) + ROW_BYTES * round_up(table_rows(layer.kind, widths[layer.writes]), 4)


def added(graph: Graph, grids: Sequence[Grid], count: Callable[[Layer, Sequence[int]], int]) -> CostTables:
    """A layer's count at all widths of the groups it couples, added up over the layers."""
    tables: dict[Groups, NDArray[np.int64]] = {}
    for layer in graph.layers:
        groups = tuple(sorted({layer.reads, layer.writes}))
        table = np.zeros([len(grids[g]) for g in groups], np.int64) + count(layer, broadcast(groups, grids))
        tables[groups] = tables.get(groups, 0) + table
    return tables


def broadcast(groups: Groups, grids: Sequence[Grid]) -> Any:
    """The widths of each of these groups along an axis of its own: a count of them is a table."""
    return dict(zip(groups, np.ix_(*(grids[g] for g in groups)), strict=True))
