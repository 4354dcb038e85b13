"""A problem as stages: groups one after another, each with all that couples it to groups still open.

A group stays open until everything that couples it is counted. In a chain one group is open at a time, in a
tree and in residual stacks two; a table over more than a machine's memory holds is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import CoupledError
from reds.nesting.solver.problem import Choice, Groups, Problem

LARGEST = 1 << 25
"""Entries of a stage's tables that fit a gigabyte."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """One group joins the open ones; axes of the tables are the open groups, then `group`."""

    group: int
    gain: Values
    """float64 [widths of each]; -inf where it is not allowed."""
    costs: Values
    """float64 [costs, widths of each], whole numbers."""
    closed: tuple[int, ...]
    """Axes of groups that nothing later couples."""
    to: NDArray[np.intp]
    """Shaped as `gain`: which of the next stage's open widths, counted in C order."""

    def reduced(self, prices: Values) -> Values:
        """Gain less the costs at these prices, shaped as `gain`."""
        return self.gain - np.tensordot(prices, self.costs, 1) if len(prices) else self.gain


def stages_of(problem: Problem) -> list[Stage]:
    """The problem in the order of groups that takes the smallest tables. Raises `CoupledError`."""
    couplings = problem.couplings
    near, (_, order) = _near(couplings, len(problem.sizes)), order_of(couplings, problem.sizes)
    stages, live, done = list[Stage](), list[int](), set[int]()
    for group in order:
        bag = (*live, group)
        done.add(group)
        if prod(problem.sizes[g] for g in bag) * (2 + len(problem.limited)) > LARGEST:
            raise CoupledError(bag, tuple(problem.sizes[g] for g in bag))
        new = [groups for groups in dict.fromkeys(couplings) if group in groups and done.issuperset(groups)]
        closed = tuple(axis for axis, g in enumerate(bag) if near[g] <= done)
        stages.append(_stage(problem, bag, closed, new))
        live = [g for axis, g in enumerate(bag) if axis not in closed]
    return stages


def order_of(couplings: Sequence[Groups], sizes: Sequence[int]) -> tuple[int, list[int]]:
    """Entries of all tables over groups of these sizes, as few as can be, and the order that takes them."""
    near = _near(couplings, len(sizes))
    return min(_order(near, sizes, first) for first in range(len(sizes)))


def _near(couplings: Sequence[Groups], n: int) -> list[set[int]]:
    """For each of n groups itself and all that a table couples it to."""
    return [{g}.union(*(groups for groups in couplings if g in groups)) for g in range(n)]


def _order(near: Sequence[set[int]], sizes: Sequence[int], first: int) -> tuple[int, list[int]]:
    """Entries of all tables, and the groups from `first` on, next the one that leaves least open."""
    order, entries = list[int](), 0
    live, left = set[int](), set(range(len(sizes)))
    while left:
        options = set().union(*(near[g] for g in live)) & left or left
        each = []
        for g in [first] if first in left else sorted(options):
            bag = {*live, g}
            after = {one for one in bag if near[one] & (left - {g})}
            each.append((prod(sizes[one] for one in after), prod(sizes[one] for one in bag), g, after))
        _, size, group, live = min(each, key=lambda option: option[:3])
        entries += size
        order.append(group)
        left.remove(group)
    return entries, order


def _stage(problem: Problem, bag: Groups, closed: tuple[int, ...], new: Sequence[Groups]) -> Stage:
    shape = tuple(problem.sizes[g] for g in bag)

    def spread(tables: Mapping[Groups, NDArray[Any]], combine: np.ufunc, start: float) -> Values:
        """All new tables, combined in the shape of the bag."""
        out = np.full(shape, float(start))
        for groups in new:
            if groups in tables:
                axes = sorted(range(len(groups)), key=lambda i: bag.index(groups[i]))
                wide = [problem.sizes[g] if g in groups else 1 for g in bag]
                combine(out, tables[groups].transpose(axes).reshape(wide), out=out)
        return out

    gain = np.where(spread(problem.allowed, np.minimum, 1) > 0, spread(problem.gains, np.add, 0), -np.inf)
    costs = np.empty((len(problem.limited), *shape))
    for i, cost in enumerate(problem.limited):
        costs[i] = spread(cost.tables, np.add, 0)
    kept = tuple(1 if axis in closed else n for axis, n in enumerate(shape))
    to = np.broadcast_to(np.arange(prod(kept)).reshape(kept), shape)
    return Stage(bag[-1], gain, costs, closed, to)


def forward(stages: Sequence[Stage], reduced: Sequence[Values]) -> list[Values]:
    """Before each stage and after the last: for each width of the open groups the most so far."""
    best = [np.zeros(())]
    for stage, each in zip(stages, reduced, strict=True):
        best.append((best[-1][..., None] + each).max(axis=stage.closed))
    return best


def backward(stages: Sequence[Stage], reduced: Sequence[Values]) -> list[Values]:
    """The same from there to the end."""
    best = [np.zeros(())]
    for stage, each in zip(reversed(stages), reversed(reduced), strict=True):
        best.append((each + np.expand_dims(best[-1], stage.closed)).max(axis=-1))
    return best[::-1]


def trace(stages: Sequence[Stage], reduced: Sequence[Values], best: Sequence[Values]) -> Choice:
    """A choice that reaches the end of `forward`'s values."""
    choice: dict[int, int] = {}
    after: tuple[int, ...] = ()
    for stage, each, before in zip(reversed(stages), reversed(reduced), reversed(best[:-1]), strict=True):
        known = iter(after)
        at = tuple(slice(None) if axis in stage.closed else next(known) for axis in range(each.ndim))
        spread = np.broadcast_to(before[..., None], each.shape)[at] + each[at]
        free = iter(np.unravel_index(int(spread.argmax()), spread.shape))
        place = [int(next(free)) if isinstance(axis, slice) else axis for axis in at]
        choice[stage.group], after = place[-1], tuple(place[:-1])
    return tuple(choice[g] for g in sorted(choice))


def ceilings(stages: Sequence[Stage], reduced: Sequence[Values]) -> list[Values]:
    """For each group and width the most that any choice with it reaches."""
    into, onward = forward(stages, reduced), backward(stages, reduced)
    most: dict[int, Values] = {}
    for i, (stage, each) in enumerate(zip(stages, reduced, strict=True)):
        through = into[i][..., None] + each + np.expand_dims(onward[i + 1], stage.closed)
        most[stage.group] = through.max(axis=tuple(range(each.ndim - 1)))
    return [most[g] for g in sorted(most)]
