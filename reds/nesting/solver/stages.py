"""Order a problem's groups into stages for dynamic programming.

A stage adds one group to the open ones. A group is open until every table that couples it is counted. One
group at a time is open in a network without branches, two in a tree or in residual stacks. A problem whose
tables would exceed a machine's memory is left to `coupled`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import CoupledError
from reds.nesting.solver.problem import Groups, Problem

LARGEST = 1 << 25
"""The most entries of a stage's tables, so that a search fits a gigabyte."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """One group joins the open ones. The axes of all tables are the open groups, then `group`."""

    group: int
    gain: Values
    """float64 [widths of each group]; -inf where a choice is not allowed."""
    costs: Values
    """float64 [costs, widths of each group], whole numbers."""
    closed: tuple[int, ...]
    """Axes of the groups that no later table couples."""
    to: NDArray[np.intp]
    """The state after this stage, shaped as `gain`: the index of the widths still open, in C order."""

    def reduced(self, prices: Values) -> Values:
        """Return the gain minus the costs at these prices, shaped as `gain`."""
        return self.gain - np.tensordot(prices, self.costs, 1) if len(prices) else self.gain


def stages_of(problem: Problem) -> list[Stage]:
    """Return the stages of a problem, in the order of groups that takes the smallest tables.

    Raises:
        CoupledError: Even so the tables of a stage are too large.
    """
    couplings = problem.couplings
    neighbors = _neighbors(couplings, len(problem.sizes))
    _, order = order_of(couplings, problem.sizes)
    steps, still_open, done = list[tuple[Groups, tuple[int, ...], set[int]]](), list[int](), set[int]()
    for group in order:
        members, done = (*still_open, group), done | {group}
        sizes = tuple(problem.sizes[g] for g in members)
        if prod(sizes) * (2 + len(problem.limited)) > LARGEST:
            raise CoupledError(members, sizes)
        closed = tuple(axis for axis, g in enumerate(members) if neighbors[g] <= done)
        steps.append((members, closed, done))
        still_open = [g for axis, g in enumerate(members) if axis not in closed]
    return [_stage(problem, *step) for step in steps]


def order_of(couplings: Sequence[Groups], sizes: Sequence[int]) -> tuple[int, list[int]]:
    """Return the order of groups that takes the smallest tables, after the tables' number of entries.

    One order is built from each first group, and the best of them is taken.
    """
    neighbors = _neighbors(couplings, len(sizes))
    return min(_order_from(first, neighbors, sizes) for first in range(len(sizes)))


def _neighbors(couplings: Sequence[Groups], n: int) -> list[set[int]]:
    """Return for each of n groups the groups that share a table with it, and the group itself."""
    return [{g}.union(*(groups for groups in couplings if g in groups)) for g in range(n)]


def _order_from(first: int, neighbors: Sequence[set[int]], sizes: Sequence[int]) -> tuple[int, list[int]]:
    """Return entries of all tables, and the order in which each next group leaves least open."""
    order, entries = list[int](), 0
    still_open, left = set[int](), set(range(len(sizes)))
    while left:
        candidates = set().union(*(neighbors[g] for g in still_open)) & left or left
        options = []
        for g in [first] if first in left else sorted(candidates):
            members = {*still_open, g}
            open_after = {m for m in members if neighbors[m] & (left - {g})}
            options.append(
                (prod(sizes[m] for m in open_after), prod(sizes[m] for m in members), g, open_after)
            )
        _, size, group, still_open = min(options, key=lambda option: option[:3])
        entries += size
        order.append(group)
        left.remove(group)
    return entries, order


def _stage(problem: Problem, members: Groups, closed: tuple[int, ...], done: set[int]) -> Stage:
    """Combine the tables whose groups are now complete into the tables of a stage.

    Args:
        problem: The problem.
        members: The open groups, then the one that joins them.
        closed: Axes of the groups that no later table couples.
        done: The groups of this stage and of all before.
    """
    shape, group = tuple(problem.sizes[g] for g in members), members[-1]

    def is_complete(groups: Groups) -> bool:
        return group in groups and done.issuperset(groups)

    def along(groups: Groups, table: NDArray[Any]) -> NDArray[Any]:
        axes = sorted(range(len(groups)), key=lambda i: members.index(groups[i]))
        return table.transpose(axes).reshape([problem.sizes[g] if g in groups else 1 for g in members])

    def total(tables: Mapping[Groups, NDArray[Any]]) -> Any:
        return sum(along(groups, table) for groups, table in tables.items())

    allowed = np.ones(shape, np.bool_)
    for rule in problem.rules:
        if is_complete(rule.groups):
            allowed &= total(rule.tables) <= rule.limit
    for each in problem.sums:
        if is_complete(each.groups):
            first, second, whole = (
                along((g,), values) for g, values in zip(each.groups, each.values, strict=True)
            )
            allowed &= first + second == whole
    gain, costs = np.zeros(shape), np.zeros((len(problem.limited), *shape))
    for result, tables in (
        (gain, problem.gains),
        *zip(costs, (c.tables for c in problem.limited), strict=True),
    ):
        for groups, table in tables.items():
            if is_complete(groups):
                result += along(groups, table)
    gain[~allowed] = -np.inf
    kept = tuple(1 if axis in closed else n for axis, n in enumerate(shape))
    to = np.broadcast_to(np.arange(prod(kept)).reshape(kept), shape)
    return Stage(group, gain, costs, closed, to)
