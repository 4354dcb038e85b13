"""Limit costs: the selection problem within limits, and the smallest limit that any choice fits."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from reds.errors import BudgetError
from reds.nesting.cost import Cost
from reds.nesting.cost.axes import Axes
from reds.nesting.solver.exact import InfeasibleError
from reds.nesting.solver.problem import Groups, Limited, Problem
from reds.nesting.solver.solve import solve

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


def build_problem(axes: Axes, gains: Gains, limits: Sequence[Limit]) -> Problem:
    """Return the problem of the largest gain within limits.

    A cost that is a sum becomes a limited cost. The rows of a peak cost become rules.

    Args:
        axes: The widths of each group and sum.
        gains: The gain at these widths.
        limits: The limits of all costs.
    """

    def rows(peak: bool) -> tuple[Limited, ...]:
        limited = (limit for limit in limits if limit.cost.peak == peak)
        return tuple(Limited(tables, limit.most) for limit in limited for tables in limit.cost.rows)

    return Problem(tuple(map(len, axes.grids)), gains, rows(peak=False), rows(peak=True), axes.sums)


def raise_if_infeasible(axes: Axes, limits: Sequence[Limit], kept: KeptWidths) -> None:
    """Raise an error for the first limit that no choice reaches within the limits before it.

    Args:
        axes: The widths of each group and sum.
        limits: The limits of one subnet.
        kept: The widths that may still be chosen.

    Raises:
        BudgetError: No choice fits; the text names the smallest budget that a choice fits.
    """
    for i, limit in enumerate(limits):
        least = _smallest(axes, limit.cost, limits[:i], kept)
        if least > limit.most:
            cost, widest = limit.cost, limit.cost.evaluate(tuple(len(grid) - 1 for grid in axes.grids))
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


def _smallest(axes: Axes, cost: Cost, before: Sequence[Limit], kept: KeptWidths) -> int:
    """Return the smallest cost of a choice within earlier limits, which some choice fits."""
    if not cost.peak:
        (tables,) = cost.rows
        gains = {groups: -table.astype(np.float64) for groups, table in tables.items()}
        return -round(solve(build_problem(axes, gains, before).restricted(kept)).value)

    def fits(value: int) -> bool:
        try:
            solve(build_problem(axes, {}, [*before, Limit(cost, value)]).restricted(kept))
        except InfeasibleError:
            return False
        return True

    least, most = (
        max(sum(int(end(table)) for table in tables.values()) for tables in cost.rows)
        for end in (np.min, np.max)
    )
    return least + bisect_left(range(least, most), True, key=fits)
