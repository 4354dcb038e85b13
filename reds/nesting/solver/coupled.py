"""Solve problems whose groups couple too closely for dynamic programming over all widths.

Dynamic programming still finds good choices: the best among few widths of each group, then the best among
the widths around those. It also drops widths that cannot beat them, and where few are left it proves the best
choice. Else OR-Tools' CP-SAT looks for better ones and bounds the gain. Its effort is limited in steps of its
own, not in time, so that every run agrees. It counts in integers: gains are rounded to a part in 2^32 of the
gain that is left to win, and the bound allows for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reds.errors import CoupledError
from reds.nesting.solver.exact import WORK, InfeasibleError, solve_exactly
from reds.nesting.solver.narrow import narrowed
from reds.nesting.solver.problem import Choice, Groups, Problem, total_value

EFFORTS = (0.5, 2.0)
"""Deterministic seconds of CP-SAT, round by round. A better choice leaves less to win in the next round."""
PART = 8
"""A search among few widths may take the work of a complete one, divided by this."""
AROUND = (-2, -1, 0, 1, 2)
"""Steps from a group's width to those that are tried together."""
STEPS = 1 << 32
"""The integer that stands for all the gain left to win."""


@dataclass(frozen=True)
class Bounded:
    """A choice for each problem, none narrower than the one before, and a bound on the sum of gains."""

    choices: tuple[Choice, ...] | None
    """One choice for each problem, or None if the search found none."""
    bound: float
    """-inf if no choices are within the limits."""


def solve_coupled(problems: Sequence[Problem], known: Sequence[Sequence[Choice]] = ()) -> Bounded:
    """Return a choice for each problem, with the largest sum of gains that was found.

    Args:
        problems: One for each subnet, smallest first, over the same groups and widths.
        known: Nested choices, each one for every problem. Those that do not fit are ignored.

    Raises:
        CoupledError: The tables over the widths of coupled groups are too large even for CP-SAT.
    """
    if len(problems) == 1:
        return _solve_one(problems[0], [choices[0] for choices in known])
    together = _rounds(problems, known)
    apart = sum(_solve_one(p, [choices[i] for choices in known]).bound for i, p in enumerate(problems))
    return Bounded(together.choices, min(together.bound, apart))


def _solve_one(problem: Problem, known: Sequence[Choice]) -> Bounded:
    """Return what `solve_coupled` does of one problem, whose widths are narrowed down first."""
    known = [choice for choice in (*known, *_among_few(problem)) if problem.fits(choice)]
    best = max(known, key=problem.value, default=None)
    floor = -np.inf if best is None else problem.value(best)
    kept, bound = narrowed(problem, floor)
    if best is not None:
        kept = [np.union1d(indices, [k]) for indices, k in zip(kept, best, strict=True)]
    if not all(map(len, kept)):
        return Bounded(None, -np.inf)
    part = problem.restricted(kept)
    inside = [] if best is None else [tuple(map(int, map(np.searchsorted, kept, best)))]
    try:
        solution = solve_exactly(part, inside)
        found = Bounded((solution.choice,), solution.bound)
    except (CoupledError, InfeasibleError):
        found = _rounds([part], [[choice] for choice in inside])
    if found.choices is None:
        return found
    choice = tuple(int(indices[k]) for indices, k in zip(kept, found.choices[0], strict=True))
    return Bounded((choice,), max(problem.value(choice), min(bound, found.bound)))


def _rounds(problems: Sequence[Problem], known: Sequence[Sequence[Choice]]) -> Bounded:
    """Return what CP-SAT finds, round by round."""
    fitting = [tuple(choices) for choices in known if _fit(problems, choices)]
    best = max(fitting, key=lambda choices: total_value(problems, choices), default=None)
    bound = np.inf
    for effort in EFFORTS:
        found, proven = _search(problems, best, effort)
        bound = min(bound, found.bound)
        candidates = [choices for choices in (best, found.choices) if choices]
        best = max(candidates, key=lambda choices: total_value(problems, choices), default=None)
        if proven:
            break
    return Bounded(best, bound if best is None else max(bound, total_value(problems, best)))


def _among_few(problem: Problem) -> list[Choice]:
    """Return good choices: each is the best among few widths, around those of the one before."""
    found = list[Choice]()
    stride = max(problem.sizes) // 4
    while stride:
        if found:
            kept = [k + stride * np.array(AROUND) for k in found[-1]]
        else:
            kept = [np.linspace(0, n - 1, len(AROUND)).astype(np.intp) for n in problem.sizes]
        kept = [np.unique(indices.clip(0, n - 1)) for indices, n in zip(kept, problem.sizes, strict=True)]
        for each in problem.sums:
            a, b, whole = each.groups
            first, second, values = each.values
            kept[whole] = np.flatnonzero(np.isin(values, first[kept[a]][:, None] + second[kept[b]]))
        known = (
            [[int(np.searchsorted(indices, k)) for indices, k in zip(kept, found[-1], strict=True)]]
            if found
            else []
        )
        try:
            choice = solve_exactly(problem.restricted(kept), map(tuple, known), WORK // PART).choice
        except (CoupledError, InfeasibleError):
            break
        found.append(tuple(int(indices[k]) for indices, k in zip(kept, choice, strict=True)))
        stride //= 2
    return found


def _search(
    problems: Sequence[Problem], best: tuple[Choice, ...] | None, effort: float
) -> tuple[Bounded, bool]:
    """Return what CP-SAT finds from the best choices known, and whether it ended before its effort."""
    from ortools.sat.python import cp_model

    from reds.nesting.solver.linear import Widths

    tables = [(i, groups, table) for i, p in enumerate(problems) for groups, table in p.gains.items()]
    most = sum(float(table.max()) for _, _, table in tables)
    widest = sum(float(table.max() - table.min()) for _, _, table in tables)
    left = (widest or 1.0) if best is None else most - total_value(problems, best)
    if left <= 0:
        return Bounded(best, most), True
    losses: list[dict[Groups, NDArray[np.int64]]] = [{} for _ in problems]
    for i, groups, table in tables:
        lost = np.minimum((table.max() - table) * (STEPS / left), 2.0 * STEPS)
        losses[i][groups] = np.rint(lost).astype(np.int64)

    model = cp_model.CpModel()
    widths = [Widths(model, problem) for problem in problems]
    for inner, outer in pairwise(widths):
        outer.contain(inner)
    lost_sum = sum(each.total(loss) for each, loss in zip(widths, losses, strict=True))
    model.add(lost_sum <= STEPS + len(tables))
    model.minimize(lost_sum)
    for each, choice in zip(widths, best or (), strict=False):
        each.hint(choice)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = effort
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return Bounded(best, -np.inf), True
    least = (solver.best_objective_bound - len(tables)) * left / STEPS
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    choices = tuple(each.chosen(solver) for each in widths) if found else None
    return Bounded(choices, most - least), status == cp_model.OPTIMAL


def _fit(problems: Sequence[Problem], choices: Sequence[Choice]) -> bool:
    return all(problem.fits(choice) for problem, choice in zip(problems, choices, strict=True))
