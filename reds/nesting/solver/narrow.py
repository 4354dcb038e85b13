"""Drop widths that cannot win, by bounds on buckets of neighboring widths.

In place of a bucket's widths stands one that gains as much as the best of them and costs as little as the
cheapest. Dynamic programming over such widths bounds the gain of every bucket. Buckets that cannot beat a
known choice are dropped, and the widths left make finer buckets, until these no longer help.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reds.errors import CoupledError
from reds.nesting.solver.dual import minimize
from reds.nesting.solver.problem import Groups, Limited, Problem, Scalar
from reds.nesting.solver.stages import stages_of
from reds.nesting.solver.sweeps import ceilings

BUCKETS = (128, 64, 32, 16, 8)
"""Buckets of a group; fewer are tried where the tables are too large."""
ROUNDS = 8
Indices = NDArray[np.intp]


def narrowed(problem: Problem, floor: float) -> tuple[list[Indices], float]:
    """Return the widths of each group that may gain more than `floor`, and a bound on every gain above it."""
    kept, bound = [np.arange(n) for n in problem.sizes], np.inf
    for _ in range(ROUNDS):
        part = problem.restricted(kept)
        most, highest = _bucket_ceilings(part)
        bound = min(bound, highest)
        smaller = [
            indices[np.repeat(gains > floor, sizes)]
            for indices, (gains, sizes) in zip(kept, most, strict=True)
        ]
        if not all(map(len, smaller)):
            return [np.zeros(0, np.intp)] * len(kept), floor
        if sum(map(len, smaller)) > 0.9 * sum(map(len, kept)):
            return smaller, bound
        kept = smaller
    return kept, bound


def _bucket_ceilings(problem: Problem) -> tuple[list[tuple[NDArray[np.float64], Indices]], float]:
    """Return for each group the most that each bucket gains and its widths' number, and a bound on all."""
    for buckets in BUCKETS:
        starts = [np.unique(np.linspace(0, n, buckets + 1)[:-1].astype(np.intp)) for n in problem.sizes]
        coarse = _coarse(problem, starts)
        try:
            stages = stages_of(coarse)
        except CoupledError:
            continue
        dual = minimize(coarse, stages)
        paid = sum(price * cost.limit for price, cost in zip(dual.prices, coarse.limited, strict=True))
        most = ceilings(stages, [stage.reduced(dual.prices) for stage in stages])
        sizes = [np.diff([*each, n]) for each, n in zip(starts, problem.sizes, strict=True)]
        return [(gains + paid, n) for gains, n in zip(most, sizes, strict=True)], dual.bound
    return [(np.full(1, np.inf), np.array([n])) for n in problem.sizes], np.inf


def _coarse(problem: Problem, starts: Sequence[Indices]) -> Problem:
    """Return a problem that has one width in place of each bucket, and gains no less.

    Args:
        problem: The problem.
        starts: The first width of each group's buckets.
    """

    def combined(
        tables: Mapping[Groups, NDArray[Scalar]], operation: np.ufunc
    ) -> dict[Groups, NDArray[Scalar]]:
        result = dict[Groups, NDArray[Scalar]]()
        for groups, table in tables.items():
            for axis, g in enumerate(groups):
                table = operation.reduceat(table, starts[g], axis=axis)
            result[groups] = table
        return result

    def cheapest(cost: Limited) -> Limited:
        return Limited(combined(cost.tables, np.minimum), cost.limit)

    rules = list(map(cheapest, problem.rules))
    for each in problem.sums:
        for sign in (1, -1):  # no more than the sum, and no less
            signed = zip(each.groups, each.values, (sign, sign, -sign), strict=True)
            rules.append(cheapest(Limited({(g,): factor * values for g, values, factor in signed}, 0)))
    return Problem(
        tuple(map(len, starts)), combined(problem.gains, np.maximum),
        tuple(map(cheapest, problem.limited)), tuple(rules),
    )  # fmt: skip
