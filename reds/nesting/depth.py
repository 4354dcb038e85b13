"""Let the widths of unit groups say which blocks a subnet leaves out: width 0 in the groups of a block.

A layer of a block costs nothing where the block is left out. One group of the block, its switch, says so.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.graph import Block, Graph
from reds.nesting.solver.problem import Groups

Widths = Sequence[NDArray[np.int64]]
"""The widths that each group may have, ascending."""


def switches(graph: Graph, grids: Widths) -> list[Groups]:
    """Return for each layer the group whose width 0 leaves the layer out, or none if no subnet does so.

    Args:
        graph: The full network.
        grids: The widths of each group.
    """
    found = []
    for i, layer in enumerate(graph.layers):
        block = smallest_around(graph, i)
        own = block.groups if block else ()
        near = [g for g in own if g in layer.groups] or own
        found.append(tuple(g for g in near[:1] if not grids[g][0]))
    return found


def smallest_around(graph: Graph, layer: int) -> Block | None:
    """Return the smallest block that holds a layer, an index into `Graph.layers`."""
    around = [block for block in graph.blocks if layer in block.layers]
    return min(around, key=lambda block: len(block.layers), default=None)


def taken_where(graph: Graph, grids: Widths, layer: int, tensor: int, in_use: Sequence[int]) -> list[Groups]:
    """Return where a tensor in use takes bytes of its own: where one group of each entry keeps units.

    A tensor inside of a block is not there if the block is left out. A sum that stands for another tensor in
    use takes no bytes of its own.

    Args:
        graph: The full network.
        grids: The widths of each group.
        layer: The layer that runs.
        tensor: A tensor that is in use in the full network.
        in_use: All of them.
    """
    sums = {graph.layers[block.add].output: block for block in graph.blocks}
    around = [block for block in graph.blocks if tensor - 1 in block.layers - {block.add}]
    found = [block.groups[:1] for block in around if layer not in block.layers]
    between, at = list[int](), tensor
    while at in sums:
        between.append(sums[at].groups[0])
        at = sums[at].skip
        if at in in_use:
            found.append(tuple(between))
            break
    return [alternatives for alternatives in found if not any(grids[g][0] for g in alternatives)]


def half_blocks(graph: Graph, grids: Widths) -> dict[Groups, NDArray[np.int64]]:
    """Return tables over the widths of two groups, with 1 where they leave a part of a block out.

    All groups of a block have the width 0, or none. A block that is left out leaves out the blocks inside.

    Args:
        graph: The full network.
        grids: The widths of each group.
    """
    tables: dict[Groups, NDArray[np.int64]] = {}

    def forbid(a: int, b: int, either: bool) -> None:
        """Forbid units of b where a has none, and with `either` also the reverse."""
        none_of_a, none_of_b = (grids[a] == 0)[:, None], grids[b] == 0
        wrong = (none_of_a != none_of_b) if either else none_of_a & ~none_of_b
        groups, table = ((a, b), wrong) if a < b else ((b, a), wrong.T)
        tables[groups] = tables.get(groups, 0) | table.astype(np.int64)

    for block in graph.blocks:
        if grids[block.groups[0]][0]:
            continue
        for a, b in zip(block.groups, block.groups[1:], strict=False):
            forbid(a, b, either=True)
        outer = [other for other in graph.blocks if other is not block and block.add in other.layers]
        if outer:
            forbid(min(outer, key=lambda other: len(other.layers)).groups[0], block.groups[0], either=False)
    return tables
