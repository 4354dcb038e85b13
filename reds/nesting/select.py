"""Select nested subnets under budgets, each proven to keep the largest importance that its budget allows.

Scores of units add up, and costs depend on counts alone. So the best units of a group are its top-scored
ones, and a subnet is one width for each group. Costs couple the groups that a layer joins, and `solver` finds
the widths.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from reds.errors import BudgetError, CoupledError
from reds.graph import Graph
from reds.graph.subnets import Budget, SubnetSpec, subnet_names
from reds.nesting.baselines import choose_evenly, choose_uniformly
from reds.nesting.budgets import TargetProfile, as_budgets, limits_of
from reds.nesting.cost import width_grids
from reds.nesting.cost.arena import ARENA_UNIT
from reds.nesting.cost.axes import Axes, axes_of
from reds.nesting.gains import Scores, checked_identity, checked_scores, gains_of, gap_of
from reds.nesting.limits import Limit, build_problem, raise_if_infeasible
from reds.nesting.options import BASELINES, Objective, Order
from reds.nesting.own_gains import OwnGains, own_gains
from reds.nesting.solver.exact import InfeasibleError, Solution
from reds.nesting.solver.joint import solve_jointly
from reds.nesting.solver.problem import Choice, Groups, Problem
from reds.nesting.solver.solve import solve
from reds.rules import Rule, check_argument, check_kind
from reds.strict_tables import type_name

WITHOUT_SCORES: Mapping[Order, Callable[..., tuple[Choice, ...]]] = {
    "uniform": choose_uniformly,
    "even": choose_evenly,
}
"""Function by which each baseline chooses."""


@dataclass(frozen=True)
class SelectedSubnet(SubnetSpec):
    """A selected subnet, with its costs and the objective that it reaches."""

    costs: Mapping[str, int]
    """`macs`, bytes of `flash` and `arena`, ns of `latency` and pJ of `energy` as far as they are known."""
    value: float
    """The sum of gains."""
    gap: float
    """Share of the objective that a better choice may add at most; 0.0 if this one is proven best."""


def select(
    graph: Graph, scores: Sequence[Scores], budgets: Sequence[Budget | float], *,
    step: int | Sequence[int] = 4, least: int | Sequence[int] = 4, order: Order = "bottom-up",
    objective: Objective = "balanced", kernels: Mapping[Groups, Scores] | None = None,
    profile: TargetProfile | None = None, depth: bool = False,
    identity: Sequence[float] | Scores | None = None, gains: OwnGains | None = None,
) -> tuple[SelectedSubnet, ...]:  # fmt: skip
    """Select a nested subnet for each budget, smallest first.

    Args:
        graph: The full network.
        scores: Importance of every unit of each group, float64 [units], at least 0, in any order.
        budgets: Smallest first; a bare number is a fraction of the full network's MACs.
        step: Widths are multiples of this; one number, or one for each group.
        least: The fewest units that a group keeps; one number, or one for each group.
        order: `bottom-up` solves the smallest budget first and keeps its units in the larger subnets.
            `top-down` solves the largest first. REDS, arXiv 2311.13349, has both. `joint` maximizes the sum
            of all objectives at once, and its gap is that of the sum. Two baselines need no scores and prove
            no objective: `uniform` is the largest share, the same for every group, that fits; `even` has the
            largest smallest share of a group, then the largest second smallest, and so on, and keeps the
            units of the subnet before.
        objective: `sum` is the paper's: the importance kept. But groups work in series, and a sum starves the
            group whose units cost most. `product` is the product of the shares kept in each group. `balanced`
            is a mean of these shares that lies near the smallest (the power mean of exponent -4).
        kernels: For groups a and b the part of b's scores that counts only if a unit of a is kept too,
            float64 [units of a, units of b].
        profile: The device, for budgets of arena, latency and energy; by default the canonical layout without
            times.
        depth: Whether a subnet may leave out whole residual blocks, `graph.blocks`: their groups get width 0.
            The baselines never do.
        identity: For each group the share of its importance that its block's identity has, 0 to 1, which is
            kept without the block; by default a half. Only the groups of blocks count.
        gains: Gains of your own, whose sum is maximized instead of the objective: for each layer whose units
            are cut what a number of them is worth, as `{"conv1": {8: 0.2, 16: 0.6, 32: 1.0}}`, linear
            between these.

    Raises:
        BudgetError: Nothing fits a budget.
        CoupledError: The tables over the widths of coupled groups are too large.
        SettingsError: The scores or identities are not those of the graph's units and groups, or there is no
            such order or objective.
    """
    scores = checked_scores(graph, scores)
    check_kind("kernels", kernels, Mapping | None, "give reds.score(...).kernels")
    check_kind("profile", profile, TargetProfile | None, "give a reds.TargetProfile")
    check_argument([
        Rule("", "order", order in get_args(Order), type_name(Order), order),
        Rule("", "objective", objective in get_args(Objective), type_name(Objective), objective),
        Rule("", "depth", isinstance(depth, bool), type_name(bool), depth),
    ])  # fmt: skip
    grids = width_grids(graph, step, least, depth and order not in BASELINES)
    profile = profile or TargetProfile()
    shares = checked_identity(graph, identity) if depth else np.zeros(len(grids))
    if gains is not None:
        values, objective = own_gains(graph, gains, grids), "sum"
    else:
        values = gains_of(scores, kernels or {}, grids, objective, shares)
    budgets = as_budgets(budgets)
    limits = limits_of(graph, grids, budgets, profile)
    axes = axes_of(graph, grids)
    problems = [build_problem(axes, values, subnet_limits) for subnet_limits in limits]
    with _naming_groups(graph):
        choices, gaps = _choose(axes, problems, limits, order, objective)
    selected = []
    for i, (problem, choice, gap) in enumerate(zip(problems, choices, gaps, strict=True)):
        widths = axes.widths(choice)
        costs = profile.costs(graph, widths)
        selected.append(SelectedSubnet("", budgets[i], widths, costs, problem.value(choice), gap))
        _check_arena(selected[-1], limits[i])
    names = subnet_names(budgets, [each.costs["macs"] / graph.whole for each in selected])
    return tuple(replace(each, name=name) for each, name in zip(selected, names, strict=True))


def _choose(
    axes: Axes, problems: Sequence[Problem], limits: Sequence[Sequence[Limit]], order: Order,
    objective: Objective,
) -> tuple[Sequence[Choice], list[float]]:  # fmt: skip
    """Return a choice for each problem, nested, and its optimality gap."""
    if order in WITHOUT_SCORES:
        return WITHOUT_SCORES[order](axes, problems, limits), [1.0] * len(problems)
    if order == "joint":
        known = [_solve_in_order(axes, problems, limits, first) for first in ("bottom-up", "top-down")]
        joint = solve_jointly(problems, [[solution.choice for solution in solutions] for solutions in known])
        return joint.choices, [gap_of(joint.value, joint.bound, objective)] * len(problems)
    solutions = _solve_in_order(axes, problems, limits, order)
    gaps = [gap_of(solution.value, solution.bound, objective) for solution in solutions]
    return [solution.choice for solution in solutions], gaps


@contextmanager
def _naming_groups(graph: Graph) -> Iterator[None]:
    """Name the groups in a `CoupledError` by the first layers that write them."""
    try:
        yield
    except CoupledError as error:
        writers = {span.group: layer.name for layer in reversed(graph.layers) for span in layer.writes}
        names = [
            writers.get(g, "the input" if g < len(graph.groups) else "a concatenation") for g in error.groups
        ]
        raise CoupledError(error.groups, error.sizes, names) from None


def _solve_in_order(
    axes: Axes, problems: Sequence[Problem], limits: Sequence[Sequence[Limit]], order: Order
) -> list[Solution]:
    """Solve the problems one by one, each between the widths of the one before and the extreme ones."""
    lowest, highest = [0] * len(axes.grids), [len(grid) - 1 for grid in axes.grids]
    solutions: dict[int, Solution] = {}
    for i in sorted(range(len(problems)), reverse=order == "top-down"):
        kept = [np.arange(low, high + 1) for low, high in zip(lowest, highest, strict=True)]
        part = problems[i].restricted(kept)
        try:
            # The widest choice is known, so that a budget for everything also keeps units of no importance.
            solution = solve(part, [tuple(len(indices) - 1 for indices in kept)])
        except InfeasibleError:
            raise_if_infeasible(axes, limits[i], kept)
            raise
        choice = tuple(low + k for low, k in zip(lowest, solution.choice, strict=True))
        solutions[i] = Solution(choice, solution.value, solution.bound)
        if order == "bottom-up":
            lowest = list(choice)
        else:
            highest = list(choice)
    return [solutions[i] for i in range(len(problems))]


def _check_arena(selected: SelectedSubnet, limits: Sequence[Limit]) -> None:
    """Raise an error if the planned arena exceeds its limit because its tensors leave gaps."""
    for limit in limits:
        planned = selected.costs["arena"]
        if limit.cost.unit == ARENA_UNIT and planned > limit.most:
            raise BudgetError(
                f"{limit.budget}: the tensors in use at a time fit, but the planned arena takes {planned}"
                " bytes; raise the budget to that, or lower it to keep less"
            )
