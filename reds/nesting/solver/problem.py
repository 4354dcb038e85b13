"""State a selection problem: gains, costs and rules as tables over the widths of a few unit groups.

A sum stands for several groups at once, as the channels of a concatenation do. It counts as one more group,
whose widths follow from those of the others. So the tables of a layer that reads a concatenation stay small.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Groups = tuple[int, ...]
"""The groups of a table's axes, ascending."""
Choice = tuple[int, ...]
"""For each group an index into its widths."""
Scalar = TypeVar("Scalar", bound=np.generic)
Tables = Mapping[Groups, NDArray[np.int64]]


@dataclass(frozen=True)
class Limited:
    """A cost and the most that it may reach. It is the sum of its int64 tables' entries."""

    tables: Tables
    limit: int

    @property
    def groups(self) -> Groups:
        """Return the groups of all tables."""
        return tuple(sorted({g for groups in self.tables for g in groups}))

    def evaluate(self, choice: Choice) -> int:
        """Return the cost of a choice."""
        return int(sum(entries(self.tables, choice)))


@dataclass(frozen=True)
class Sum:
    """Two groups, then a third whose value is the sum of theirs."""

    groups: tuple[int, int, int]
    values: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    """The value of each group at each of its widths."""

    def holds(self, choice: Choice) -> bool:
        """Return whether the third group's value is the sum."""
        first, second, whole = (values[choice[g]] for g, values in zip(self.groups, self.values, strict=True))
        return bool(first + second == whole)


@dataclass(frozen=True)
class Problem:
    """Choose a width for each group: the largest gain within every limit."""

    sizes: tuple[int, ...]
    """The number of widths that each group has to choose from."""
    gains: Mapping[Groups, NDArray[np.float64]]
    """The gain of a choice is the sum of these tables' entries."""
    limited: tuple[Limited, ...]
    """Costs to which all groups add."""
    rules: tuple[Limited, ...] = ()
    """Costs of a few groups each. They have no price: a search takes only widths that keep them."""
    sums: tuple[Sum, ...] = ()
    """Groups that follow from others, each after those that it follows from."""

    @property
    def couplings(self) -> list[Groups]:
        """Return the groups that each table, rule or sum joins."""
        return [
            *self.gains, *(groups for cost in self.limited for groups in cost.tables),
            *(rule.groups for rule in self.rules), *(each.groups for each in self.sums),
        ]  # fmt: skip

    def value(self, choice: Choice) -> float:
        """Return the gain of a choice."""
        return float(sum(entries(self.gains, choice)))

    def fits(self, choice: Choice) -> bool:
        """Return whether a choice keeps every limit, rule and sum."""
        return all(cost.evaluate(choice) <= cost.limit for cost in (*self.limited, *self.rules)) and all(
            each.holds(choice) for each in self.sums
        )

    def completed(self, choice: Choice) -> Choice:
        """Return a choice whose sums follow from the other groups."""
        widths = list(choice)
        for each in self.sums:
            a, b, whole = each.groups
            value = each.values[0][widths[a]] + each.values[1][widths[b]]
            widths[whole] = int(np.searchsorted(each.values[2], value))
        return tuple(widths)

    def restricted(self, kept: Sequence[NDArray[np.intp]]) -> "Problem":
        """Return the same problem with these widths of every group, as indices; a width may come twice."""

        def restrict(tables: Mapping[Groups, NDArray[Scalar]]) -> dict[Groups, NDArray[Scalar]]:
            return {groups: table[np.ix_(*(kept[g] for g in groups))] for groups, table in tables.items()}

        def within(costs: Iterable[Limited]) -> tuple[Limited, ...]:
            return tuple(Limited(restrict(cost.tables), cost.limit) for cost in costs)

        sums = tuple(
            Sum(each.groups, tuple(v[kept[g]] for g, v in zip(each.groups, each.values, strict=True)))  # type: ignore[arg-type]
            for each in self.sums
        )
        sizes = tuple(map(len, kept))
        return Problem(sizes, restrict(self.gains), within(self.limited), within(self.rules), sums)


def total_value(problems: Sequence[Problem], choices: Sequence[Choice]) -> float:
    """Return what choices gain together, one for each problem."""
    return sum(problem.value(choice) for problem, choice in zip(problems, choices, strict=True))


def entries(tables: Mapping[Groups, NDArray[Any]], choice: Choice) -> Iterable[Any]:
    """Return the entry of each table at a choice."""
    return (table[tuple(choice[g] for g in groups)] for groups, table in tables.items())
