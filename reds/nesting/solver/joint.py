"""All nested subnets at once: the largest sum of gains, each within its own limits.

Solved alone, the subnets bound the sum, and widths that cannot beat the best nested choice known leave. What
is left is one problem of the same kind: a group's width becomes a nested tuple of widths, one a subnet, and
every subnet brings its own limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.nesting.solver.dual import minimize
from reds.nesting.solver.problem import Choice, Groups, Limited, Problem, Scalar
from reds.nesting.solver.solve import EXACT, WORK, solve
from reds.nesting.solver.stages import Values, ceilings, order_of, stages_of

Tuples = NDArray[np.intp]
"""[tuples, subnets]: indices of widths, ascending from subnet to subnet."""
LARGEST = 512
"""Tuples of a group that are tried at once."""
ENTRIES = 1 << 24
"""Of all tables together; fewer tuples are tried where they take more."""
PART = 8
"""Some of the tuples prove nothing and get a share of the entries and of the work: one in so many."""
TURNS = 4
"""How often a better choice may narrow the tuples down."""


@dataclass(frozen=True)
class Joint:
    """A choice for each problem, the sum of their gains, and what no nested choices can exceed."""

    choices: tuple[Choice, ...]
    value: float
    bound: float


def solve_jointly(problems: Sequence[Problem], known: Sequence[Sequence[Choice]]) -> Joint:
    """A choice for each problem, none narrower than the one before; `known` are such choices, all allowed.

    Proven best where the tuples left are few enough to be solved whole; else the halves, each on its own,
    bound the sum.
    """
    alone = [solve(problem, [each[i] for each in known]) for i, problem in enumerate(problems)]
    most = [_ceilings(problem) for problem in problems]
    best = max((tuple(choices) for choices in known), key=lambda choices: _value(problems, choices))
    value, bound = _value(problems, best), sum(solution.bound for solution in alone)
    few, turns = LARGEST, 0
    while bound - value > (slack := EXACT * abs(bound)) and turns < TURNS:
        held = list(zip(*best, strict=True))
        tried = [_tuples([each[g] for each in most], value + slack, at, few) for g, at in enumerate(held)]
        tuples, whole = [kept for kept, _ in tried], all(complete for _, complete in tried)
        part = 1 if whole else PART
        if few > 1 and _entries(problems, list(map(len, tuples))) > ENTRIES // part:
            few //= 2
            continue
        start = tuple(int((kept == at).all(axis=1).argmax()) for kept, at in zip(tuples, held, strict=True))
        solution, turns = solve(_together(problems, tuples), [start], WORK // part), turns + 1
        found = [kept[k].tolist() for kept, k in zip(tuples, solution.choice, strict=True)]
        best, before = tuple(zip(*found, strict=True)), value
        value = _value(problems, best)
        if whole:
            bound = min(bound, value + (solution.bound - solution.value))
        if whole or value <= before + slack:
            break
    if bound - value > slack and len(problems) > 1:
        bound = min(bound, sum(each.bound for each in _halves(problems, [*known, best])))
    return Joint(best, value, bound if bound - value > slack else value)


def _halves(problems: Sequence[Problem], known: Sequence[Sequence[Choice]]) -> list[Joint]:
    """The smaller and the larger subnets, each on their own: together they gain no less than all nested."""
    half = len(problems) // 2
    parts = (slice(half), slice(half, None))
    return [solve_jointly(problems[part], [choices[part] for choices in known]) for part in parts]


def _entries(problems: Sequence[Problem], sizes: Sequence[int]) -> int:
    """Of the stages' tables that all problems take together, with so many widths of each group."""
    couplings = [groups for problem in problems for groups in problem.couplings]
    return order_of(couplings, sizes)[0] * (2 + sum(len(problem.limited) for problem in problems))


def _value(problems: Sequence[Problem], choices: Sequence[Choice]) -> float:
    return sum(problem.value(choice) for problem, choice in zip(problems, choices, strict=True))


def _ceilings(problem: Problem) -> list[Values]:
    """For each group and width the most that a choice with it gains, at prices that bound all of them."""
    stages = stages_of(problem)
    prices = minimize(problem, stages).prices
    budget = sum(price * cost.limit for price, cost in zip(prices, problem.limited, strict=True))
    return [each + budget for each in ceilings(stages, [stage.reduced(prices) for stage in stages])]


def _tuples(most: Sequence[Values], floor: float, held: tuple[int, ...], few: int) -> tuple[Tuples, bool]:
    """The nested tuples of a group that may beat the floor, `held` among them, and whether these are all.

    `most[i]` is the most that subnet i gains at each width; of more than `few` the best stay.
    """
    rest = sum(float(each.max()) for each in most)
    tuples, sums, whole = np.zeros((1, 0), np.intp), np.zeros(1), True
    for each in most:
        rest -= float(each.max())
        reach = sums[:, None] + each
        reach[np.arange(len(each)) < tuples[:, -1:].max(axis=1, initial=0)[:, None]] = -np.inf
        before, width = np.nonzero(reach + rest > floor)
        sums = reach[before, width]
        tuples = np.column_stack([tuples[before], width])
        if len(sums) > few:
            best = np.sort(np.argpartition(-sums, few)[:few])
            tuples, sums, whole = tuples[best], sums[best], False
    if not (tuples == held).all(axis=1).any():
        tuples = np.vstack([tuples, held])
    return tuples, whole


def _together(problems: Sequence[Problem], tuples: Sequence[Tuples]) -> Problem:
    """One problem whose widths are tuples: gains add up, limits stay apart, what one forbids is forbidden."""

    def at(i: int, groups: Groups, table: NDArray[Scalar]) -> NDArray[Scalar]:
        return table[np.ix_(*(tuples[g][:, i] for g in groups))]

    gains: dict[Groups, NDArray[np.float64]] = {}
    allowed: dict[Groups, NDArray[np.bool_]] = {}
    limited = []
    for i, problem in enumerate(problems):
        for groups, table in problem.gains.items():
            gains[groups] = gains.get(groups, 0.0) + at(i, groups, table)
        for groups, rule in problem.allowed.items():
            allowed[groups] = allowed.get(groups, True) & at(i, groups, rule)
        for cost in problem.limited:
            limited.append(Limited({g: at(i, g, table) for g, table in cost.tables.items()}, cost.limit))
    return Problem(tuple(map(len, tuples)), gains, tuple(limited), allowed)
