"""Count the costs of a subnet, as tables over the widths of a few unit groups.

MACs, flash and measured latency are sums over the layers, each of which couples the axis that it reads with
the axis that it writes: a unit group, or the sum of the groups of a concatenation. The arena is the largest
row of such sums, one a layer. One `Cost` describes either, and one solver serves all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import GraphError
from reds.graph import Graph, Layer, channels
from reds.nesting.cost.axes import Axis, Grid, axes_of
from reds.nesting.depth import half_blocks, switches
from reds.nesting.solver.problem import Choice, Groups, entries
from reds.pack.model import table_rows
from reds.pack.padding import round_up
from reds.rules import is_integer
from reds.text import shown

CostTables = Mapping[Groups, NDArray[np.int64]]
"""For groups, ascending, the cost at all their widths: int64 [widths of the first, of the second, ...]."""
ROW_BYTES = 8
"""Bytes of a table's row: an int32 bias and an int32 multiplier."""


@dataclass(frozen=True)
class Cost:
    """A cost of a choice: the sum of its tables' entries, or with several rows the largest of such sums."""

    unit: str
    rows: tuple[CostTables, ...]
    peak: bool = False
    """True if the rows are limited one by one, as the bytes of each layer are; else there is one row."""
    digits: int = 0
    """Entries are integers: 10 to the power of `digits` make one `unit`."""

    def evaluate(self, choice: Choice) -> int:
        """Return the cost of a choice, which is an index into each axis."""
        return int(max((sum(entries(tables, choice)) for tables in self.rows), default=0))

    def format(self, cost: int) -> str:
        """Return a cost with its unit, as messages print it."""
        return f"{cost / 10**self.digits:.{min(self.digits, 3)}f} {self.unit}"


def width_grids(
    graph: Graph, step: int | Sequence[int], least: int | Sequence[int], depth: bool = False
) -> list[Grid]:
    """Return for each group the widths to choose from: multiples of `step`, and the full width.

    Args:
        graph: The full network. Groups that are never cut have their full width only.
        step: Widths are multiples of this; one number, or one for each group. Of units that are several
            channels in every layer, as the heads of attention are, the channels are such multiples.
        least: The fewest units to keep; one number, or one for each group. Of such units, channels.
        depth: Whether groups of a block that may be left out have the width 0 too.

    Raises:
        GraphError: A number is not whole or less than 1, or there is not one for each group.
    """
    n = len(graph.groups)
    channels_each = _channels_of_units(graph)
    steps = [by // gcd(by, each) for by, each in zip(_of_groups("step", step, n), channels_each, strict=True)]
    fewest = [
        -(-first // each) for first, each in zip(_of_groups("least", least, n), channels_each, strict=True)
    ]
    none = {g for block in graph.blocks for g in block.groups} if depth else set[int]()
    return [
        np.unique([*range(round_up(first, by), group.units, by), group.units, *([0] if g in none else [])])
        if group.cut
        else np.array([group.units])
        for g, (group, by, first) in enumerate(zip(graph.groups, steps, fewest, strict=True))
    ]


def _channels_of_units(graph: Graph) -> list[int]:
    """Return for each group the channels that divide those of a unit in every tensor, most often 1."""
    spans = [span for tensor in graph.tensors for span in tensor.spans]
    return [gcd(*(s.copies for s in spans if s.group == g)) or 1 for g in range(len(graph.groups))]


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
    return Cost("MACs", (sum_over_layers(graph, grids, Layer.macs_at),))


def flash_cost(graph: Graph, grids: Sequence[Grid]) -> Cost:
    """Return the bytes of a single subnet's weights and tables in the canonical layout, without headers."""
    return Cost("bytes of flash", (sum_over_layers(graph, grids, _flash_at),))


def flash_bytes(layer: Layer, widths: Sequence[int]) -> int:
    """Return the bytes of the weights and the table that a subnet of these widths reads in a layer."""
    return int(_flash_at(layer, channels(layer.reads, widths), channels(layer.writes, widths)))


def half_blocks_cost(graph: Graph, grids: Sequence[Grid]) -> Cost:
    """Return a cost of 0 where every block is left out as a whole or not at all, else of 1."""
    rows = tuple({groups: table} for groups, table in half_blocks(graph, grids).items())
    return Cost("blocks left out in part", rows, peak=True)


def sum_over_layers(
    graph: Graph, grids: Sequence[Grid], count: Callable[[Layer, Any, Any], Any]
) -> CostTables:
    """Return the sum of a count over the layers, at all widths of the axes that each layer couples.

    Args:
        graph: The full network.
        grids: The widths of each unit group.
        count: The count of a layer for arrays of the channels that it reads and of those that it writes.
    """
    axes, tables = axes_of(graph, grids), dict[Groups, NDArray[np.int64]]()
    for layer, switch in zip(graph.layers, switches(graph, grids), strict=True):
        read, written = axes.of(layer.reads), axes.of(layer.writes)
        groups = tuple(sorted({read.group, written.group}))
        table = np.zeros([len(axes.grids[g]) for g in groups], np.int64)
        table += count(layer, along(groups, read), along(groups, written))
        add_where_running(tables, groups, table, switch, axes.grids)
    return tables


def along(groups: Groups, axis: Axis) -> NDArray[np.int64]:
    """Return the channels of an axis shaped so that they broadcast over tables of these groups."""
    return axis.channels.reshape([-1 if g == axis.group else 1 for g in groups])


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
        grids: The widths of each group and sum.
    """
    together = tuple(sorted({*groups, *switch}))
    part = table.reshape([len(grids[g]) if g in groups else 1 for g in together])
    for g in switch:
        part = part * along(together, Axis(g, (grids[g] > 0).astype(np.int64)))
    tables[together] = tables.get(together, 0) + part


def _flash_at(layer: Layer, read: Any, written: Any) -> Any:
    rows = table_rows(layer.kind, written, len(layer.inputs))
    return layer.weights_at(read, written) + ROW_BYTES * round_up(rows, 4)
