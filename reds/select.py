"""Nested subnets under budgets, each proven to hold the largest importance that its budget allows.

Unit scores add up and costs depend on counts alone, so the best units of a group are its top-scored ones and
a subnet is one width a group. Costs couple the groups that a layer joins. The solver walks the groups in
order and keeps, for each choice of widths that later groups still depend on, the labels (cost, importance)
that no other label dominates: exact, since a dominated label can never finish better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reds.chain import Chain, Widths
from reds.cost import CostTables, Grid, macs_tables, total, width_grids

Order = Literal["bottom-up", "top-down"]
Objective = Literal["sum", "product"]


class BudgetError(ValueError):
    """No subnet fits a budget; the text names it."""


@dataclass(frozen=True)
class Selected:
    """One subnet: units kept in each group, multiply-accumulates, and the objective they reach."""

    widths: Widths
    macs: int
    value: float


def nested(
    chain: Chain, scores: Sequence[NDArray[np.float64]], budgets: Sequence[float],
    step: int = 4, least: int = 4, order: Order = "bottom-up", objective: Objective = "sum",
) -> tuple[Selected, ...]:  # fmt: skip
    """Subnets for `budgets` (ascending fractions of the full net's MACs), each inside the next.

    `scores[g]` is the importance of every unit of group g, in any order, not negative. Bottom-up solves the
    smallest budget first and keeps its units in the larger ones; top-down solves the largest first
    (REDS, arXiv 2311.13349, gives both). Raises `BudgetError` for a budget that nothing fits.

    The paper's objective is the `sum` of the importance kept. `product` is the product of the shares kept in
    each group: groups work in series, and a sum starves the one whose units cost most.
    """
    check_budgets(chain, budgets, step, least)
    grids = width_grids(chain, step, least)
    tables = macs_tables(chain, grids)
    gains = [_gains(score, grid, objective) for score, grid in zip(scores, grids, strict=True)]
    low, high = [0] * len(grids), [len(grid) - 1 for grid in grids]
    chosen: dict[float, list[int]] = {}
    for budget in sorted(budgets, reverse=order == "top-down"):
        limit = macs_limit(chain, budget)
        # A budget that holds everything takes everything, units of no importance too.
        fits = total(tables, high) <= limit
        chosen[budget] = list(high) if fits else solve(gains, tables, limit, low, high)
        if order == "bottom-up":
            low = chosen[budget]
        else:
            high = chosen[budget]
    return tuple(_selected(grids, gains, tables, chosen[budget]) for budget in budgets)


def check_budgets(chain: Chain, budgets: Sequence[float], step: int, least: int) -> None:
    """Raise `BudgetError` for the first budget that no subnet fits; the text names the smallest one."""
    full = chain.macs(chain.full)
    smallest = chain.macs([int(grid[0]) for grid in width_grids(chain, step, least)])
    for budget in budgets:
        if smallest > (limit := macs_limit(chain, budget)):
            raise BudgetError(
                f"budget {budget:g} ({limit} MACs): the smallest subnet needs {smallest} MACs,"
                f" {ceil(1e4 * smallest / full) / 1e4} of the full net; raise the budget or lower `least`"
            )


def macs_limit(chain: Chain, budget: float) -> int:
    """Multiply-accumulates that a budget, a fraction of the full net's, allows."""
    return int(budget * chain.macs(chain.full) + 1e-6)


def solve(
    gains: Sequence[NDArray[np.float64]], tables: CostTables, limit: int,
    low: Sequence[int], high: Sequence[int],
) -> list[int]:  # fmt: skip
    """Index into each group's grid, between `low` and `high`: the largest summed gain at cost <= `limit`.

    `gains[g]` belongs to the widths of group g, ascending. Proven optimal; of equal gains the cheaper one.
    Raises `BudgetError` if nothing fits.
    """
    last_use = [max([g, *(max(pair) for pair in tables if g in pair)]) for g in range(len(gains))]
    states: dict[tuple[int, ...], _Labels] = {(): _Labels.first()}
    live: list[int] = []
    for g in range(len(gains)):
        pairs = [(a, table) for (a, b), table in tables.items() if b == g]
        keep = [i for i, other in enumerate([*live, g]) if last_use[other] > g]
        grown: dict[tuple[int, ...], list[_Labels]] = {}
        for state, labels in states.items():
            for k in range(low[g], high[g] + 1):
                place = dict(zip([*live, g], [*state, k], strict=True))
                cost = sum(int(table[place[a], k]) for a, table in pairs)
                extended = labels.extend(k, cost, float(gains[g][k]), limit)
                if len(extended.cost):
                    grown.setdefault(tuple([*state, k][i] for i in keep), []).append(extended)
        states = {state: _Labels.best_of(parts) for state, parts in grown.items()}
        live = [[*live, g][i] for i in keep]
    if not states:
        raise BudgetError(f"nothing fits a cost of {limit}")
    return [int(k) for k in states[()].choice[-1]]


def _gains(score: NDArray[np.float64], grid: Grid, objective: Objective) -> NDArray[np.float64]:
    """What each width of a group adds to the objective: its best units' importance, or its share's log."""
    kept = np.cumsum(np.sort(score)[::-1])[grid - 1]
    if objective == "sum":
        return np.asarray(kept)
    # A group of no importance is as good at any width.
    return np.asarray(np.log(np.maximum(kept, 1e-300) / max(kept[-1], 1e-300)))


@dataclass(frozen=True)
class _Labels:
    """Partial choices none of which dominates another: cost [N], gain [N], choice [N, groups so far]."""

    cost: NDArray[np.int64]
    gain: NDArray[np.float64]
    choice: NDArray[np.int32]

    @staticmethod
    def first() -> "_Labels":
        return _Labels(np.zeros(1, np.int64), np.zeros(1), np.zeros((1, 0), np.int32))

    def extend(self, k: int, cost: int, gain: float, limit: int) -> "_Labels":
        fits = self.cost + cost <= limit
        choice = np.pad(self.choice[fits], ((0, 0), (0, 1)), constant_values=k)
        return _Labels(self.cost[fits] + cost, self.gain[fits] + gain, choice)

    @staticmethod
    def best_of(parts: "list[_Labels]") -> "_Labels":
        cost = np.concatenate([part.cost for part in parts])
        gain = np.concatenate([part.gain for part in parts])
        by_cost = np.lexsort((-gain, cost))
        best_before = np.maximum.accumulate(np.concatenate([[-np.inf], gain[by_cost][:-1]]))
        kept = by_cost[gain[by_cost] > best_before]
        return _Labels(cost[kept], gain[kept], np.concatenate([part.choice for part in parts])[kept])


def _selected(
    grids: Sequence[Grid], gains: Sequence[NDArray[np.float64]], tables: CostTables, chosen: Sequence[int]
) -> Selected:
    widths = tuple(int(grid[k]) for grid, k in zip(grids, chosen, strict=True))
    value = sum(float(gain[k]) for gain, k in zip(gains, chosen, strict=True))
    return Selected(widths, total(tables, chosen), value)
