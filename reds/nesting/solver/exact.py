"""Find the largest gain within the limits, with proof, by dynamic programming and bounds.

Each round bounds the gain by prices, searches with a wider beam, and then drops all widths that cannot beat
the best choice known. The bound spares the search work, and a better choice sharpens the next round.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reds.nesting.solver.dual import minimize
from reds.nesting.solver.problem import Choice, Problem
from reds.nesting.solver.search import search
from reds.nesting.solver.stages import stages_of
from reds.nesting.solver.sweeps import ceilings

BEAMS = (1 << 8, 1 << 12, 1 << 16, 1 << 20)
"""Partials that a stage keeps, round by round: a limit of work, not of time, so that every machine agrees."""
WORK = 1 << 25
"""Costs of partials that all rounds together may compute, a limit of work as well."""
EXACT = 1e-11
"""The fraction of the bound that rounding may hide."""


class InfeasibleError(ValueError):
    """No choice is within the limits."""


@dataclass(frozen=True)
class Solution:
    """A choice, its gain, and a bound that no choice exceeds. The choice is proven best if both are equal."""

    choice: Choice
    value: float
    bound: float


def solve_exactly(problem: Problem, known: Iterable[Choice] = (), work: int = WORK) -> Solution:
    """Return the choice of the largest gain.

    Args:
        problem: Gains, costs and limits.
        known: Choices to beat; those that do not fit are ignored.
        work: The most costs of partials that all rounds together may compute.

    Returns:
        A solution proven best, or one with a bound above its value if the last round still dropped partials.

    Raises:
        InfeasibleError: Nothing fits, or nothing that fits was found.
        CoupledError: The tables over the widths of coupled groups are too large.
    """
    best = max((choice for choice in known if problem.fits(choice)), key=problem.value, default=None)
    kept, bound = [np.arange(n) for n in problem.sizes], np.inf
    part = None
    for beam in BEAMS:
        if part is None or part.sizes != tuple(map(len, kept)):
            part = problem.restricted(kept)
            stages = stages_of(part)
            dual = minimize(part, stages)
        fitting = [choice for choice in dual.seen if part.fits(choice)]
        best = _best(problem, best, [_unrestricted(choice, kept) for choice in fitting])
        floor = -np.inf if best is None else problem.value(best)
        bound = min(bound, max(floor, dual.bound))
        limits = np.array([float(cost.limit) for cost in part.limited])
        slack = EXACT * max(abs(bound), 1e-300) if np.isfinite(bound) else 0.0
        found = search(stages, limits, dual.prices, floor + slack, beam, work)
        work = found.work
        if found.choice is not None:
            best = _best(problem, best, [_unrestricted(found.choice, kept)])
        if best is None:
            if found.dropped == -np.inf:
                raise InfeasibleError("no choice of widths is within the limits")
            continue
        value = problem.value(best)
        bound = min(bound, max(value, found.dropped))
        if found.dropped <= value + slack:
            return Solution(best, value, value)
        reduced = [stage.reduced(dual.prices) for stage in stages]
        most = [ceiling + float(dual.prices @ limits) for ceiling in ceilings(stages, reduced)]
        kept = [indices[gains > value + slack] for indices, gains in zip(kept, most, strict=True)]
        if not all(map(len, kept)):
            return Solution(best, value, value)
    if best is None:
        raise InfeasibleError("no choice of widths within the limits was found")
    return Solution(best, problem.value(best), bound)


def _unrestricted(choice: Choice, kept: "list[np.ndarray[tuple[int], np.dtype[np.intp]]]") -> Choice:
    """Return a choice among the kept widths as a choice among all widths."""
    return tuple(int(indices[k]) for indices, k in zip(kept, choice, strict=True))


def _best(problem: Problem, best: Choice | None, others: Iterable[Choice]) -> Choice | None:
    return max([*([] if best is None else [best]), *others], key=problem.value, default=None)
