"""Nested subnets under budgets, each proven to hold the largest importance that its budget allows.

Unit scores add up and costs depend on counts alone, so the best units of a group are its top-scored ones and
a subnet is one width a group; a kernel between two units counts where both are kept. Costs couple the groups
that a layer joins, and `solver` finds the widths.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from reds.errors import BudgetError, CoupledError
from reds.graph import Graph
from reds.graph.subnets import Budget, SubnetSpec, subnet_name
from reds.nesting.budgets import Gains, Limit, TargetProfile, as_budgets, limits_of, problem_of, refuse
from reds.nesting.cost import Grid, width_grids
from reds.nesting.options import Objective, Order
from reds.nesting.solver.joint import solve_jointly
from reds.nesting.solver.problem import Choice, Groups, Problem
from reds.nesting.solver.solve import InfeasibleError, Solution, solve

POWER, LEAST_SHARE = 4, 0.01
"""Of `balanced`: shares count by their -POWER, those under LEAST_SHARE as that, so that sums stay exact."""
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class SelectedSubnet(SubnetSpec):
    """A subnet as selected: what it costs, and how much of the objective it reaches."""

    costs: Mapping[str, int]
    """`macs`, `flash` and `arena` bytes, and `latency` nanoseconds where times are known."""
    value: float
    """The objective."""
    gap: float
    """Share of the objective that a better choice may add at most; 0.0 where this one is proven best."""


def select(
    graph: Graph, scores: Sequence[Scores], budgets: Sequence[Budget | float], *,
    step: int | Sequence[int] = 4, least: int | Sequence[int] = 4, order: Order = "bottom-up",
    objective: Objective = "balanced", kernels: Mapping[Groups, Scores] | None = None,
    profile: TargetProfile | None = None,
) -> tuple[SelectedSubnet, ...]:  # fmt: skip
    """Choose a nested subnet for each budget, smallest first.

    Args:
        graph: The full net.
        scores: Importance of every unit of each group, float64 [units], at least 0, in any order.
        budgets: Smallest first; a bare number is a fraction of the full net's MACs.
        step: Widths are multiples of this; one number, or one a group.
        least: Fewest units that a group keeps; one number, or one a group.
        order: Bottom-up solves the smallest budget first and keeps its units in the larger ones; top-down
            solves the largest first (REDS, arXiv 2311.13349, gives both). Joint maximizes the sum of all
            objectives at once, and its gap is that of the sum. Uniform is the baseline: the same share of
            every group, the largest that fits, without proof.
        objective: The paper's is the `sum` of the importance kept. Groups work in series, and a sum starves
            the group whose units cost most: `product` is the product of the shares kept in each group,
            `balanced` a mean of these shares near the smallest (the power mean of exponent -4).
        kernels: For groups a and b the part of b's scores that counts only where a unit of a is kept too,
            float64 [units of a, units of b].
        profile: The target's layout and measured times; arena and latency budgets depend on them.

    Raises:
        BudgetError: Nothing fits a budget; as `CoupledError`, the tables over the widths of coupled groups
            are too large.
    """
    grids, profile = width_grids(graph, step, least), profile or TargetProfile()
    gains = gains_of(scores, kernels or {}, grids, objective)
    asked = as_budgets(budgets)
    limits = limits_of(graph, grids, asked, profile)
    problems = [problem_of(grids, gains, each) for each in limits]
    with _naming(graph):
        if order == "joint":
            known = [_in_turn(grids, problems, limits, turn) for turn in ("bottom-up", "top-down")]
            joint = solve_jointly(problems, [[solution.choice for solution in each] for each in known])
            choices = joint.choices
            gaps = [_gap(joint.value, joint.bound, objective)] * len(problems)
        elif order == "uniform":
            choices, gaps = _uniform(grids, problems, limits), [1.0] * len(problems)
        else:
            found = _in_turn(grids, problems, limits, order)
            choices = tuple(solution.choice for solution in found)
            gaps = [_gap(solution.value, solution.bound, objective) for solution in found]
    selected = []
    for i, (problem, choice, gap) in enumerate(zip(problems, choices, gaps, strict=True)):
        widths = tuple(int(grid[k]) for grid, k in zip(grids, choice, strict=True))
        costs = profile.costs(graph, widths)
        share = asked[i].macs or costs["macs"] / graph.macs(graph.full)
        name = subnet_name(share)
        selected.append(SelectedSubnet(name, asked[i], widths, costs, problem.value(choice), gap))
        _check_arena(selected[-1], limits[i])
    return tuple(selected)


@contextmanager
def _naming(graph: Graph) -> Iterator[None]:
    """A group's name is the first layer that writes units of it, or the input."""
    try:
        yield
    except CoupledError as error:
        writers = {layer.writes: layer.name for layer in reversed(graph.layers)}
        names = [writers.get(g, "the input") for g in error.groups]
        raise CoupledError(error.groups, error.sizes, names) from None


def gains_of(
    scores: Sequence[Scores], kernels: Mapping[Groups, Scores], grids: Sequence[Grid], objective: Objective
) -> Gains:
    """What each width of a group, and each pair of widths with kernels between, adds to the objective."""
    orders = [np.argsort(-score, kind="stable") for score in scores]
    alone = [np.array(score) for score in scores]
    for (_, b), table in kernels.items():
        alone[b] -= table.sum(0)
    for score, part in zip(scores, alone, strict=True):
        part[part < 1e-9 * score.sum()] = 0.0  # what rounding leaves of a unit that is kernels alone
    kept: dict[Groups, Scores] = {
        (g,): np.cumsum(part[order]) for g, (part, order) in enumerate(zip(alone, orders, strict=True))
    }
    for (a, b), table in kernels.items():
        table, pair = (table, (a, b)) if a < b else (table.T, (b, a))
        sums = table[np.ix_(*(orders[g] for g in pair))].cumsum(0).cumsum(1)
        kept[pair] = kept.get(pair, 0) + sums  # layers may join two groups either way
    gains: dict[Groups, Scores] = {}
    for groups, sums in kept.items():
        gain = sums[np.ix_(*(grids[g] - 1 for g in groups))]
        if objective != "sum":
            # A group of no importance is as good at any width.
            share = np.maximum(gain, 1e-300) / max(sums.flat[-1], 1e-300)
            balanced = objective == "balanced"
            gain = -(np.maximum(share, LEAST_SHARE) ** -POWER) if balanced else np.log(share)
        gains[groups] = gain
    return gains


def _in_turn(
    grids: Sequence[Grid], problems: Sequence[Problem], limits: Sequence[Sequence[Limit]], order: Order
) -> list[Solution]:
    """Each problem solved on its own, between the widths of the one before it and all."""
    low, high = [0] * len(grids), [len(grid) - 1 for grid in grids]
    found: dict[int, Solution] = {}
    for i in sorted(range(len(problems)), reverse=order == "top-down"):
        kept = [np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]
        part = problems[i].restricted(kept)
        try:
            # A budget that holds everything takes everything, units of no importance too.
            solution = solve(part, [tuple(len(each) - 1 for each in kept)])
        except InfeasibleError:
            refuse(grids, limits[i], kept)
            raise
        choice = tuple(a + k for a, k in zip(low, solution.choice, strict=True))
        found[i] = Solution(choice, solution.value, solution.bound)
        if order == "bottom-up":
            low = list(choice)
        else:
            high = list(choice)
    return [found[i] for i in range(len(problems))]


def _uniform(
    grids: Sequence[Grid], problems: Sequence[Problem], limits: Sequence[Sequence[Limit]]
) -> tuple[Choice, ...]:
    """The largest share of every group, rounded down to its widths, that fits; a later one fits as much."""
    units = [grid.tolist() for grid in grids]
    shares = sorted({Fraction(n, g[-1]) for g in units for n in g})
    each = [tuple(max(bisect_right(g, share * g[-1]), 1) - 1 for g in units) for share in shares]
    choices: list[Choice] = []
    for problem, limit in zip(problems, limits, strict=True):
        fitting = [choice for choice in each if problem.fits(choice)]
        if not fitting:
            refuse(grids, limit, [np.arange(len(grid)) for grid in grids])
            raise InfeasibleError
        choices.append(fitting[-1])
    return tuple(choices)


def _gap(value: float, bound: float, objective: Objective) -> float:
    """As a share of the sum, of the product or of the mean."""
    if value >= bound:
        return 0.0
    if objective == "product":
        return float(-np.expm1(value - bound))
    return 1 - value / bound if objective == "sum" else float(1 - (bound / value) ** (1 / POWER))


def _check_arena(selected: SelectedSubnet, limits: Sequence[Limit]) -> None:
    """Refuse an arena whose tensors leave gaps, so that more is planned than lives together."""
    for limit in limits:
        if limit.cost.peak and selected.costs["arena"] > limit.most:
            raise BudgetError(
                f"{limit.asked}: what lives together fits, but its plan takes"
                f" {selected.costs['arena']} bytes; raise it to that, or lower it so that less is kept"
            )
