"""Limit costs: the selection problem within limits, and the smallest limit that any choice fits."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from reds.errors import BudgetError
from reds.nesting.cost import Cost, Grid
from reds.nesting.solver.problem import Groups, Limited, Problem
from reds.nesting.solver.solve import InfeasibleError, solve

Gains = Mapping[Groups, NDArray[np.float64]]
"""For groups the gain at all their widths."""
KeptWidths = Sequence[NDArray[np.intp]]
"""For each group the indices of the widths that may still be chosen."""


@dataclass(frozen=True)
class Limit:
    """The most that a cost may reach."""

    cost: Cost
    most: int
    budget: str = ""
    """The subnet and the budget that set the limit, as a message names them; none if the net sets it."""
    whole: int | None = None
    """The cost that a budget of 100 % is; None for that of the full network."""


def build_problem(grids: Sequence[Grid], gains: Gains, limits: Sequence[Limit]) -> Problem:
    """Return the problem of the largest gain within limits.

    A cost that is a sum becomes a limited cost. A peak cost forbids the widths whose entry exceeds its limit.

    Args:
        grids: The widths of each group.
        gains: The gain at these widths.
        limits: The limits of all costs.
    """
    allowed: dict[Groups, NDArray[np.bool_]] = {}
    for limit in limits:
        if limit.cost.peak:
            for groups, table in limit.cost.tables.items():
                allowed[groups] = allowed.get(groups, True) & (table <= limit.most)
    sums = tuple(Limited(limit.cost.tables, limit.most) for limit in limits if not limit.cost.peak)
    return Problem(tuple(map(len, grids)), gains, sums, allowed)


def raise_if_infeasible(grids: Sequence[Grid], limits: Sequence[Limit], kept: KeptWidths) -> None:
    """Raise an error for the first limit that no choice reaches within the limits before it.

    Args:
        grids: The widths of each group.
        limits: The limits of one subnet.
        kept: The widths that may still be chosen.

    Raises:
        BudgetError: No choice fits; the text names the smallest budget that a choice fits.
    """
    for i, limit in enumerate(limits):
        least = _smallest(grids, limit.cost, limits[:i], kept)
        if least > limit.most:
            cost, widest = limit.cost, limit.cost.evaluate(tuple(len(grid) - 1 for grid in grids))
            full = widest if limit.whole is None else limit.whole
            within = "".join(
                f" within {earlier.cost.format(earlier.most)}" for earlier in limits[:i] if earlier.budget
            )
            remedy = (
                "raise the budget or lower `least`"
                if least < widest
                else "`least` and `step` leave nothing to cut"
            )
            raise BudgetError(
                f"{limit.budget}: the smallest subnet{within} needs {cost.format(least)},"
                f" {ceil(1e4 * least / full) / 1e4} of the full net; {remedy}"
            )


def _smallest(grids: Sequence[Grid], cost: Cost, before: Sequence[Limit], kept: KeptWidths) -> int:
    """Return the smallest cost of a choice within earlier limits, which some choice fits."""
    if not cost.peak:
        gains = {groups: -table.astype(np.float64) for groups, table in cost.tables.items()}
        return -round(solve(build_problem(grids, gains, before).restricted(kept)).value)
    values = np.unique(np.concatenate([table.ravel() for table in cost.tables.values()]))

    def fits(value: int) -> bool:
        try:
            solve(build_problem(grids, {}, [*before, Limit(cost, value)]).restricted(kept))
        except InfeasibleError:
            return False
        return True

    return int(values[bisect_left(values, True, hi=len(values) - 1, key=fits)])
