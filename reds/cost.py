"""What a subnet costs, as tables that the solver adds up.

A cost is a sum over pairs of unit groups of a table indexed by their widths; MACs, flash and measured
latencies all have this shape, so one solver (`select`) serves them all.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reds.chain import MIXING, Chain

Grid = NDArray[np.int64]
"""Widths that a unit group may take, ascending."""
CostTables = Mapping[tuple[int, int], NDArray[np.int64]]
"""(a, b) with a <= b: cost [widths of a, widths of b] of what the two groups cost together."""


def width_grids(chain: Chain, step: int, least: int) -> list[Grid]:
    """For each group the widths to choose from: multiples of `step` from `least` units, and the full width.

    Groups that are not cut have their full width alone.
    """
    return [
        np.unique([*range(-(-least // step) * step, group.units, step), group.units])
        if group.cut
        else np.array([group.units])
        for group in chain.groups
    ]


def macs_tables(chain: Chain, grids: Sequence[Grid]) -> CostTables:
    """Multiply-accumulates, true fan-in, classifier counted (REDS, arXiv 2311.13349, counts full fan-in)."""
    tables: dict[tuple[int, int], NDArray[np.int64]] = {}
    for layer in chain.layers:
        if not layer.per_pair:
            continue
        reads = layer.reads if layer.kind in MIXING else layer.writes
        pair = (min(reads, layer.writes), max(reads, layer.writes))
        one, two = (grids[group] for group in pair)
        if layer.kind not in MIXING:
            table = np.diag(layer.per_pair * one)
        elif pair[0] == pair[1]:
            table = np.diag(layer.per_pair * one * one)
        else:
            table = layer.per_pair * np.outer(one, two)
        tables[pair] = tables.get(pair, np.zeros_like(table)) + table
    return tables


def total(tables: CostTables, chosen: Sequence[int]) -> int:
    """Cost of one choice: an index into each group's grid."""
    return sum(int(table[chosen[a], chosen[b]]) for (a, b), table in tables.items())
