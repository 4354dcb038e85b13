"""Choose nested subnets without scores: the baselines that selection by importance has to beat.

`uniform` gives every group the same share, so the first group that is too wide stops all of them. `even` goes
on with the groups that still fit.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from heapq import heapify, heappop, heappush

import numpy as np

from reds.errors import BudgetError
from reds.nesting.cost.axes import Axes
from reds.nesting.limits import Limit, raise_if_infeasible
from reds.nesting.solver.exact import InfeasibleError
from reds.nesting.solver.problem import Choice, Problem
from reds.nesting.solver.solve import solve

Limits = Sequence[Sequence[Limit]]
"""The limits of each subnet, as messages name them."""


def choose_uniformly(axes: Axes, problems: Sequence[Problem], limits: Limits) -> tuple[Choice, ...]:
    """Choose for each problem the largest share of every group, rounded down to its widths, that fits.

    Args:
        axes: The widths of each group and sum.
        problems: The selection of each subnet, smallest first.
        limits: The limits of each subnet.

    Raises:
        BudgetError: No such share fits.
    """
    widths, sums = [grid.tolist() for grid in axes.of_groups], (0,) * len(axes.sums)
    shares = sorted({Fraction(n, group[-1]) for group in widths for n in group})
    candidates = [
        tuple(max(bisect_right(group, share * group[-1]), 1) - 1 for group in widths) for share in shares
    ]
    choices: list[Choice] = []
    for problem, subnet_limits in zip(problems, limits, strict=True):
        completed = [problem.completed(choice + sums) for choice in candidates]
        fitting = [choice for choice in completed if problem.fits(choice)]
        if not fitting:
            raise_if_infeasible(axes, subnet_limits, [np.arange(len(grid)) for grid in axes.grids])
            raise BudgetError(
                f"{subnet_limits[0].budget}: no share of the units fits that is the same for every group, but"
                " other widths do: raise the budget, or take the order `even`"
            )
        choices.append(fitting[-1])
    return tuple(choices)


def choose_evenly(axes: Axes, problems: Sequence[Problem], limits: Limits) -> tuple[Choice, ...]:
    """Choose for each problem the most even widths that fit and contain the choice before.

    The most even choice has the largest smallest share of a group's units, then the largest second smallest
    share, and so on. Of two equal shares that of the earlier group counts as the smaller one, so the choice
    is unique. It is exact: the smallest share is raised by one width while any choice that fits is as large.

    Args:
        axes: The widths of each group and sum.
        problems: The selection of each subnet, smallest first.
        limits: The limits of each subnet.

    Raises:
        BudgetError: Nothing fits.
    """
    choices: list[Choice] = []
    choice = (0,) * len(axes.grids)
    for problem, subnet_limits in zip(problems, limits, strict=True):
        highest = tuple(n - 1 for n in problem.sizes)
        if not _any_fits(problem, choice, highest):
            kept = [np.arange(low, high + 1) for low, high in zip(choice, highest, strict=True)]
            raise_if_infeasible(axes, subnet_limits, kept)
            raise InfeasibleError("no choice of widths is within the limits")
        choice = _most_even(axes, problem, choice, highest)
        choices.append(choice)
    return tuple(choices)


def _most_even(axes: Axes, problem: Problem, lowest: Choice, highest: Choice) -> Choice:
    """Return the most even choice from `lowest` to `highest`, of which some choice fits."""
    shares = [[Fraction(n, grid[-1]) for n in grid] for grid in (grid.tolist() for grid in axes.of_groups)]
    smallest_first = [(each[lowest[g]], g) for g, each in enumerate(shares)]
    heapify(smallest_first)
    while smallest_first:
        _, g = heappop(smallest_first)
        raised = problem.completed(_replaced(lowest, g, lowest[g] + 1)) if lowest[g] < highest[g] else lowest
        if lowest[g] < highest[g] and _any_fits(problem, raised, highest):
            lowest = raised
            heappush(smallest_first, (shares[g][lowest[g]], g))
        else:
            highest = problem.completed(_replaced(highest, g, lowest[g]))
    return lowest


def _replaced(choice: Choice, group: int, index: int) -> Choice:
    return (*choice[:group], index, *choice[group + 1 :])


def _any_fits(problem: Problem, lowest: Choice, highest: Choice) -> bool:
    """Return whether any choice from `lowest` to `highest` fits.

    Costs that grow with the widths decide at once. Measured times may shrink: then the solver decides.
    """
    if problem.fits(lowest):
        return True
    part = problem.restricted([np.arange(low, high + 1) for low, high in zip(lowest, highest, strict=True)])
    costs = (*part.limited, *part.rules)
    if any(sum(table.min() for table in cost.tables.values()) > cost.limit for cost in costs):
        return False
    try:
        solve(replace(part, gains={}))
    except InfeasibleError:
        return False
    return True
