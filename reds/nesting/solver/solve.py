"""The most gain within the limits, proven: prices bound it, labels find it, each spares the other work."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reds.nesting.solver.dual import minimize
from reds.nesting.solver.partials import grow
from reds.nesting.solver.problem import Choice, Problem
from reds.nesting.solver.stages import ceilings, stages_of

WIDTHS = (1 << 8, 1 << 12, 1 << 16, 1 << 20)
"""Labels a stage, round by round; a limit of work, not of time, so that every machine chooses the same."""
WORK = 1 << 25
"""Costs of labels that all rounds may count together, a limit of work too."""
EXACT = 1e-11
"""Share of the bound that rounding may hide."""


class InfeasibleError(ValueError):
    """No choice is within the limits."""


@dataclass(frozen=True)
class Solution:
    """A choice, its gain, and what no choice can exceed: equal where the choice is proven best."""

    choice: Choice
    value: float
    bound: float


def solve(problem: Problem, known: Iterable[Choice] = (), work: int = WORK) -> Solution:
    """The choice of the largest gain; `known` are choices to beat, `work` limits all rounds together.

    Proven best, or, where the last round still cut labels, with a bound above its value. Raises
    `InfeasibleError` if nothing fits, `CoupledError` for tables too large.
    """
    best = max((choice for choice in known if problem.fits(choice)), key=problem.value, default=None)
    kept, bound = [np.arange(n) for n in problem.sizes], np.inf
    part = None
    for width in WIDTHS:
        if part is None or part.sizes != tuple(map(len, kept)):
            part = problem.restricted(kept)
            stages = stages_of(part)
            dual = minimize(part, stages)
        found = [choice for choice in dual.seen if part.fits(choice)]
        best = _best(problem, best, [_full(choice, kept) for choice in found])
        floor = -np.inf if best is None else problem.value(best)
        bound = min(bound, max(floor, dual.bound))
        limits = np.array([float(cost.limit) for cost in part.limited])
        slack = EXACT * max(abs(bound), 1e-300) if np.isfinite(bound) else 0.0
        grown = grow(stages, limits, dual.prices, floor + slack, width, work)
        work = grown.work
        if grown.choice is not None:
            best = _best(problem, best, [_full(grown.choice, kept)])
        if best is None:
            if grown.cut == -np.inf:
                raise InfeasibleError("nothing fits")
            continue
        value = problem.value(best)
        bound = min(bound, max(value, grown.cut))
        if grown.cut <= value + slack:
            return Solution(best, value, value)
        reduced = [stage.reduced(dual.prices) for stage in stages]
        most = [ceiling + float(dual.prices @ limits) for ceiling in ceilings(stages, reduced)]
        kept = [indices[each > value + slack] for indices, each in zip(kept, most, strict=True)]
        if not all(map(len, kept)):
            return Solution(best, value, value)
    if best is None:
        raise InfeasibleError("nothing that fits was found")
    return Solution(best, problem.value(best), bound)


def _full(choice: Choice, kept: "list[np.ndarray[tuple[int], np.dtype[np.intp]]]") -> Choice:
    return tuple(int(indices[k]) for indices, k in zip(kept, choice, strict=True))


def _best(problem: Problem, best: Choice | None, others: Iterable[Choice]) -> Choice | None:
    return max([*([] if best is None else [best]), *others], key=problem.value, default=None)
