"""What a subnet may cost, as limits; a budget that nothing fits names the smallest that something fits."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from reds.errors import BudgetError
from reds.graph import Graph, Widths
from reds.graph.subnets import Budget
from reds.nesting.cost import Cost, Grid, flash_bytes, flash_cost, macs_cost, width_grids
from reds.nesting.cost.arena import arena_bytes, arena_cost
from reds.nesting.cost.latency import NANOSECONDS, Latency, latency_cost
from reds.nesting.solver.problem import Groups, Limited, Problem
from reds.nesting.solver.solve import InfeasibleError, solve
from reds.pack.layouts import CANONICAL, Layout

Gains = Mapping[Groups, NDArray[np.float64]]
Kept = Sequence[NDArray[np.intp]]
"""For each group the indices of the widths that may still be chosen."""


@dataclass(frozen=True)
class TargetProfile:
    """Where subnets shall run: the layout of its kernels, which need scratch, and times measured on it."""

    layout: Layout = CANONICAL
    latency: Latency | None = None

    def costs(self, graph: Graph, widths: Widths) -> dict[str, int]:
        """MACs, flash and arena bytes of a subnet, and nanoseconds where times are known."""
        each = {
            "macs": graph.macs(widths),
            "flash": sum(flash_bytes(layer, widths) for layer in graph.layers),
            "arena": arena_bytes(graph, widths, self.layout),
        }
        if self.latency:
            grids = [np.array([n]) for n in widths]
            each["latency"] = latency_cost(graph, grids, self.latency).evaluate((0,) * len(grids))
        return each


@dataclass(frozen=True)
class Limit:
    """The most that a cost may reach; `asked` is whose budget that is, as a message names it."""

    cost: Cost
    most: int
    asked: str = ""


def limits_of(
    graph: Graph, grids: Sequence[Grid], budgets: Sequence[Budget], profile: TargetProfile
) -> list[list[Limit]]:
    """Each budget's limits on costs over these widths, and those of the later ones, which hold it.

    Raises `GraphError` where times are missing.
    """
    limits: list[list[Limit]] = [[] for _ in budgets]

    def add(make: Callable[[], Cost], scale: float, asked: Sequence[float | None]) -> None:
        if any(value is not None for value in asked):
            cost = make()
            for i, value in enumerate(asked):
                if value is not None:
                    most = int(value * scale + 1e-6)
                    share = f" ({value:g} of the full net)" if cost.unit == "MACs" else ""
                    limits[i].append(Limit(cost, most, f"subnet {i + 1}: budget {cost.says(most)}{share}"))

    def times() -> Cost:
        if profile.latency is None:
            raise BudgetError(
                "a latency budget needs times measured on a board: give the device its `latency`"
            )
        return latency_cost(graph, grids, profile.latency)

    add(lambda: macs_cost(graph, grids), graph.macs(graph.full), [b.macs for b in budgets])
    add(lambda: flash_cost(graph, grids), 1, [b.flash for b in budgets])
    add(lambda: arena_cost(graph, grids, profile.layout), 1, [b.arena for b in budgets])
    add(times, NANOSECONDS, [b.latency for b in budgets])
    for earlier, later in list(pairwise(limits))[::-1]:
        own = {limit.cost.unit: limit for limit in earlier}
        tighter = {u.cost.unit: u for u in later if u.cost.unit not in own or u.most < own[u.cost.unit].most}
        earlier[:] = (own | tighter).values()
    return limits


def check_budgets(
    graph: Graph,
    budgets: Sequence[Budget | float],
    step: int,
    least: int,
    profile: TargetProfile | None = None,
) -> None:
    """Raise `BudgetError` for the first budget that no subnet fits, nested or not."""
    grids = width_grids(graph, step, least)
    for limits in limits_of(graph, grids, as_budgets(budgets), profile or TargetProfile()):
        if not problem_of(grids, {}, limits).fits((0,) * len(grids)):
            refuse(grids, limits, [np.arange(len(grid)) for grid in grids])


def as_budgets(budgets: Sequence[Budget | float]) -> list[Budget]:
    """Budgets, of which a bare number is a fraction of the full net's MACs.

    Raises `BudgetError` if the fractions do not ascend to 1 at most.
    """
    each = [b if isinstance(b, Budget) else Budget(macs=b) for b in budgets]
    shares = [b.macs for b in each if b.macs is not None]
    if shares != sorted(shares) or not all(0 < share <= 1 for share in shares):
        given = ", ".join(f"{share:g}" for share in shares)
        raise BudgetError(f"budgets {given}: fractions of the full net's MACs, smallest first, are needed")
    return each


def problem_of(grids: Sequence[Grid], gains: Gains, limits: Sequence[Limit]) -> Problem:
    """The most gain within limits: sums stay sums, a peak forbids all widths together that exceed it."""
    allowed: dict[Groups, NDArray[np.bool_]] = {}
    for limit in limits:
        if limit.cost.peak:
            for groups, table in limit.cost.tables.items():
                allowed[groups] = allowed.get(groups, True) & (table <= limit.most)
    sums = tuple(Limited(limit.cost.tables, limit.most) for limit in limits if not limit.cost.peak)
    return Problem(tuple(map(len, grids)), gains, sums, allowed)


def refuse(grids: Sequence[Grid], limits: Sequence[Limit], kept: Kept) -> None:
    """Raise `BudgetError` for the first limit that nothing within those before it fits, if there is one."""
    for i, limit in enumerate(limits):
        least = _smallest(grids, limit.cost, limits[:i], kept)
        if least > limit.most:
            cost, full = limit.cost, limit.cost.evaluate(tuple(len(grid) - 1 for grid in grids))
            within = "".join(f" within {each.cost.says(each.most)}" for each in limits[:i])
            cut = "raise the budget or lower `least`" if least < full else "`least` leaves nothing to cut"
            raise BudgetError(
                f"{limit.asked}: the smallest subnet{within} needs {cost.says(least)},"
                f" {ceil(1e4 * least / full) / 1e4} of the full net; {cut}"
            )


def _smallest(grids: Sequence[Grid], cost: Cost, before: Sequence[Limit], kept: Kept) -> int:
    """The least that a cost can be within limits that something fits."""
    if not cost.peak:
        gains = {groups: -table.astype(np.float64) for groups, table in cost.tables.items()}
        return -round(solve(problem_of(grids, gains, before).restricted(kept)).value)
    values = np.unique(np.concatenate([table.ravel() for table in cost.tables.values()]))

    def fits(value: int) -> bool:
        limits = [*before, Limit(cost, value)]
        try:
            solve(problem_of(grids, {}, limits).restricted(kept))
        except InfeasibleError:
            return False
        return True

    return int(values[bisect_left(values, True, hi=len(values) - 1, key=fits)])
