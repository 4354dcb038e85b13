"""State a selection problem: gains, costs and rules as tables over the widths of a few unit groups."""

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


@dataclass(frozen=True)
class Limited:
    """A cost and the most that it may reach. It is the sum of its int64 tables' entries."""

    tables: Mapping[Groups, NDArray[np.int64]]
    limit: int

    def evaluate(self, choice: Choice) -> int:
        """Return the cost of a choice."""
        return int(sum(entries(self.tables, choice)))


@dataclass(frozen=True)
class Problem:
    """Choose a width for each group: the largest gain within every limit, among the allowed choices."""

    sizes: tuple[int, ...]
    """The number of widths that each group has to choose from."""
    gains: Mapping[Groups, NDArray[np.float64]]
    """The gain of a choice is the sum of these tables' entries."""
    limited: tuple[Limited, ...]
    allowed: Mapping[Groups, NDArray[np.bool_]]
    """A choice is allowed if these tables' entries are all true."""

    @property
    def couplings(self) -> list[Groups]:
        """Return the groups of every table."""
        return [*self.gains, *self.allowed, *(groups for cost in self.limited for groups in cost.tables)]

    def value(self, choice: Choice) -> float:
        """Return the gain of a choice."""
        return float(sum(entries(self.gains, choice)))

    def fits(self, choice: Choice) -> bool:
        """Return whether a choice is allowed and within every limit."""
        return all(entries(self.allowed, choice)) and all(
            cost.evaluate(choice) <= cost.limit for cost in self.limited
        )

    def restricted(self, kept: Sequence[NDArray[np.intp]]) -> "Problem":
        """Return the same problem with only the `kept` widths of every group, as indices."""

        def restrict(tables: Mapping[Groups, NDArray[Scalar]]) -> dict[Groups, NDArray[Scalar]]:
            return {groups: table[np.ix_(*(kept[g] for g in groups))] for groups, table in tables.items()}

        limited = tuple(Limited(restrict(cost.tables), cost.limit) for cost in self.limited)
        return Problem(tuple(map(len, kept)), restrict(self.gains), limited, restrict(self.allowed))


def entries(tables: Mapping[Groups, NDArray[Any]], choice: Choice) -> Iterable[Any]:
    """Return the entry of each table at a choice."""
    return (table[tuple(choice[g] for g in groups)] for groups, table in tables.items())
