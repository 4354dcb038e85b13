"""Solve all nested subnets at once: the largest sum of gains, each within its own limits.

Solving each subnet alone bounds the sum, and widths that cannot beat the best nested choices known are
dropped. The rest is one problem of the same kind: a group's width becomes a nested tuple of widths, one for
each subnet, and every subnet brings its own limits.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.errors import CoupledError
from reds.nesting.solver.coupled import solve_coupled
from reds.nesting.solver.dual import minimize
from reds.nesting.solver.exact import EXACT, WORK, solve_exactly
from reds.nesting.solver.problem import Choice, Groups, Limited, Problem, Sum, total_value
from reds.nesting.solver.solve import with_priced_rules
from reds.nesting.solver.stages import Values, order_of, stages_of
from reds.nesting.solver.sweeps import ceilings

Tuples = NDArray[np.intp]
"""Nested tuples of a group, [tuples, subnets]: indices of widths, ascending from subnet to subnet."""
LARGEST = 512
"""The most tuples of a group that are tried at once."""
ENTRIES = 1 << 24
"""The most entries of all tables together; if they take more, fewer tuples are tried."""
PART = 8
"""An attempt with some of the tuples proves nothing, so its entries and work are divided by this."""
ATTEMPTS = 4
"""Largest number of times that a better choice narrows the tuples down."""


@dataclass(frozen=True)
class Joint:
    """A choice for each problem, the sum of their gains, and a bound that no nested choices exceed."""

    choices: tuple[Choice, ...]
    value: float
    bound: float


def solve_jointly(problems: Sequence[Problem], known: Sequence[Sequence[Choice]]) -> Joint:
    """Return a choice for each problem, none narrower than the one before, with the largest sum of gains.

    Args:
        problems: One for each subnet, smallest first, over the same groups and widths.
        known: Nested choices, each one for every problem and allowed in it. At least one is needed.

    Raises:
        CoupledError: The tables over the widths of coupled groups are too large even for CP-SAT.
    """
    with suppress(CoupledError):
        return _exactly(problems, known)
    with suppress(CoupledError):
        return with_priced_rules(problems, lambda parts: _exactly(parts, known), lambda joint: joint.choices)
    found = solve_coupled(problems, known)
    choices = found.choices or tuple(known[0])
    return Joint(choices, total_value(problems, choices), found.bound)


def _exactly(problems: Sequence[Problem], known: Sequence[Sequence[Choice]]) -> Joint:
    """Return a choice for each problem, none narrower than the one before, with the largest sum of gains.

    The choices are proven best if the tuples left are few enough to be solved completely. Else the smaller
    and the larger subnets are solved apart, which bounds the sum.

    Args:
        problems: One for each subnet, smallest first, over the same groups and widths.
        known: Nested choices, each one for every problem and allowed in it. At least one is needed.
    """
    separate = [
        solve_exactly(problem, [choices[i] for choices in known]) for i, problem in enumerate(problems)
    ]
    most = [_ceilings(problem) for problem in problems]
    best = max((tuple(choices) for choices in known), key=lambda choices: total_value(problems, choices))
    value, bound = total_value(problems, best), sum(solution.bound for solution in separate)
    count, attempts = LARGEST, 0
    while bound - value > (slack := EXACT * abs(bound)) and attempts < ATTEMPTS:
        best_tuples = list(zip(*best, strict=True))
        tried = [
            _tuples([gains[g] for gains in most], value + slack, best_tuple, count)
            for g, best_tuple in enumerate(best_tuples)
        ]
        tuples, complete = [kept for kept, _ in tried], all(is_complete for _, is_complete in tried)
        part = 1 if complete else PART
        if count > 1 and _entries(problems, list(map(len, tuples))) > ENTRIES // part:
            count //= 2
            continue
        start = tuple(
            int((kept == best_tuple).all(axis=1).argmax())
            for kept, best_tuple in zip(tuples, best_tuples, strict=True)
        )
        solution, attempts = (
            solve_exactly(_joint_problem(problems, tuples), [start], WORK // part),
            attempts + 1,
        )
        chosen = [kept[k].tolist() for kept, k in zip(tuples, solution.choice, strict=True)]
        best, before = tuple(zip(*chosen, strict=True)), value
        value = total_value(problems, best)
        if complete:
            bound = min(bound, value + (solution.bound - solution.value))
        if complete or value <= before + slack:
            break
    if bound - value > slack and len(problems) > 1:
        bound = min(bound, sum(half.bound for half in _halves(problems, [*known, best])))
    return Joint(best, value, bound if bound - value > slack else value)


def _halves(problems: Sequence[Problem], known: Sequence[Sequence[Choice]]) -> list[Joint]:
    """Solve the smaller and the larger subnets apart: together they gain no less than all nested ones."""
    half = len(problems) // 2
    parts = (slice(half), slice(half, None))
    return [_exactly(problems[part], [choices[part] for choices in known]) for part in parts]


def _entries(problems: Sequence[Problem], sizes: Sequence[int]) -> int:
    """Return the entries of the joint problem's tables with so many tuples of each group."""
    couplings = [groups for problem in problems for groups in problem.couplings]
    return order_of(couplings, sizes)[0] * (2 + sum(len(problem.limited) for problem in problems))


def _ceilings(problem: Problem) -> list[Values]:
    """Return for each group and width a bound on the gain of any choice with this width."""
    stages = stages_of(problem)
    prices = minimize(problem, stages).prices
    budget = sum(price * cost.limit for price, cost in zip(prices, problem.limited, strict=True))
    reduced = [stage.reduced(prices) for stage in stages]
    return [ceiling + budget for ceiling in ceilings(stages, reduced)]


def _tuples(most: Sequence[Values], floor: float, best: tuple[int, ...], count: int) -> tuple[Tuples, bool]:
    """Return the nested tuples of a group that may beat the floor.

    Args:
        most: For each subnet the most that it gains at each width of the group.
        floor: The sum of gains to beat.
        best: The tuple of the best choices known, which is always returned.
        count: The most tuples to return; the best ones are kept.

    Returns:
        The tuples, and whether they are all.
    """
    rest = sum(float(gains.max()) for gains in most)
    tuples, sums, complete = np.zeros((1, 0), np.intp), np.zeros(1), True
    for gains in most:
        rest -= float(gains.max())
        reach = sums[:, None] + gains
        reach[np.arange(len(gains)) < tuples[:, -1:].max(axis=1, initial=0)[:, None]] = -np.inf
        before, width = np.nonzero(reach + rest > floor)
        sums = reach[before, width]
        tuples = np.column_stack([tuples[before], width])
        if len(sums) > count:
            kept = np.sort(np.argpartition(-sums, count)[:count])
            tuples, sums, complete = tuples[kept], sums[kept], False
    if not (tuples == best).all(axis=1).any():
        tuples = np.vstack([tuples, best])
    return tuples, complete


def _joint_problem(problems: Sequence[Problem], tuples: Sequence[Tuples]) -> Problem:
    """Return one problem whose widths are tuples: gains add up, and every limit, rule and sum holds."""
    gains: dict[Groups, NDArray[np.float64]] = {}
    limited, rules, sums = list[Limited](), list[Limited](), list[Sum]()
    for i, problem in enumerate(problems):
        part = problem.restricted([kept[:, i] for kept in tuples])
        for groups, table in part.gains.items():
            gains[groups] = gains.get(groups, 0.0) + table
        limited += part.limited
        rules += part.rules
        sums += part.sums
    return Problem(tuple(map(len, tuples)), gains, tuple(limited), tuple(rules), tuple(sums))
