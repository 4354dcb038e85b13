"""What the solver is given: for every group a choice of widths; gains, costs and rules over a few groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Groups = tuple[int, ...]
"""Groups that a table is indexed by, ascending, one axis each."""
Choice = tuple[int, ...]
"""For each group an index into its widths."""
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Limited:
    """A cost that adds up over its int64 tables, and the most that it may reach."""

    tables: Mapping[Groups, NDArray[np.int64]]
    limit: int

    def of(self, choice: Choice) -> int:
        """The cost of a choice."""
        return int(sum(entries(self.tables, choice)))


@dataclass(frozen=True)
class Problem:
    """Choose a width for each group: the largest sum of `gains` within every limit, where it is allowed.

    Tables of `gains` are float64, of `allowed` bool.
    """

    sizes: tuple[int, ...]
    """Widths that each group has to choose from."""
    gains: Mapping[Groups, NDArray[np.float64]]
    limited: tuple[Limited, ...]
    allowed: Mapping[Groups, NDArray[np.bool_]]

    @property
    def couplings(self) -> list[Groups]:
        """The groups of every table."""
        return [*self.gains, *self.allowed, *(groups for cost in self.limited for groups in cost.tables)]

    def value(self, choice: Choice) -> float:
        """The gain of a choice."""
        return float(sum(entries(self.gains, choice)))

    def fits(self, choice: Choice) -> bool:
        """Whether a choice is allowed and within every limit."""
        return all(entries(self.allowed, choice)) and all(c.of(choice) <= c.limit for c in self.limited)

    def restricted(self, kept: Sequence[NDArray[np.intp]]) -> "Problem":
        """The same problem with only the `kept` widths of every group."""

        def cut(tables: Mapping[Groups, NDArray[Scalar]]) -> dict[Groups, NDArray[Scalar]]:
            return {groups: table[np.ix_(*(kept[g] for g in groups))] for groups, table in tables.items()}

        limited = tuple(Limited(cut(cost.tables), cost.limit) for cost in self.limited)
        return Problem(tuple(map(len, kept)), cut(self.gains), limited, cut(self.allowed))


def entries(tables: Mapping[Groups, NDArray[Any]], choice: Choice) -> Iterable[Any]:
    """What each table says of a choice."""
    return (table[tuple(choice[g] for g in groups)] for groups, table in tables.items())
