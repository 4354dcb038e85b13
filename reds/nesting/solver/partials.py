"""Keep partial choices: widths of the groups so far, with their gain, costs and bound.

A partial is an entry of parallel arrays, because a search holds millions. It comes from a partial of the
stage before, its parent, and one width of the stage's group.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.nesting.solver.stages import Values

Indices = NDArray[np.intp]
LOOK_BACK = 48
"""With several costs, a partial is compared with this many better-priced ones."""


@dataclass(frozen=True)
class Partials:
    """Partial choices of one stage."""

    state: Indices
    """[N]: the widths of the open groups, as one index."""
    gain: Values
    """[N]."""
    cost: Values
    """[costs, N]."""
    bound: Values
    """[N]: no choice that continues a partial gains more."""
    parent: Indices
    """[N]: the index among the partials of the stage before."""
    width: Indices
    """[N]: the index of the width that was added."""

    def __len__(self) -> int:
        return len(self.state)

    def take(self, kept: Indices) -> "Partials":
        """Return the partials of these indices."""
        return Partials(
            self.state[kept], self.gain[kept], self.cost[:, kept], self.bound[kept],
            self.parent[kept], self.width[kept],
        )  # fmt: skip

    def best(self, count: int) -> "tuple[Partials, float]":
        """Return the `count` partials of the highest bounds, and the highest bound among the dropped ones."""
        if len(self) <= count:
            return self, -np.inf
        by_bound = np.argpartition(-self.bound, count)
        return self.take(np.sort(by_bound[:count])), float(self.bound[by_bound[count:]].max())

    def affordable(self, successors: Indices, most: int) -> tuple[Indices, float]:
        """Return the partials of the highest bounds that have at most `most` successors together.

        Args:
            successors: The number of successors of each partial.
            most: The limit of their sum; one partial is kept in any case.

        Returns:
            Their indices, and the highest bound among the dropped ones.
        """
        if successors.sum() <= most:
            return np.arange(len(self)), -np.inf
        by_bound = np.argsort(-self.bound, kind="stable")
        n = max(int(np.searchsorted(np.cumsum(successors[by_bound]), most, "right")), 1)
        return np.sort(by_bound[:n]), float(self.bound[by_bound[n:]].max(initial=-np.inf))

    def undominated(self, prices: Values) -> "Partials":
        """Return the partials that no other one of the same state dominates.

        One partial dominates another if it gains no less and costs no more. With several costs each is only
        compared with LOOK_BACK others, so that some dominated ones may stay.
        """
        if len(self.cost) <= 1:
            return self.take(self._best_at_their_cost())
        order = np.lexsort((-(self.gain - prices @ self.cost), self.state))
        state, gain, cost = self.state[order], self.gain[order], self.cost[:, order]
        dominated = np.zeros(len(order), np.bool_)
        for back in range(1, min(LOOK_BACK, len(order) - 1) + 1):
            no_worse = (state[:-back] == state[back:]) & (gain[:-back] >= gain[back:])
            by = np.flatnonzero(no_worse & ~dominated[back:])
            for one_cost in cost:
                by = by[one_cost[by] <= one_cost[by + back]]
            dominated[by + back] = True
        return self.take(np.sort(order[~dominated]))

    def _best_at_their_cost(self) -> Indices:
        """Return the undominated partials under one cost or none: each gains more than all cheaper ones."""
        by_cost = np.lexsort((-self.gain, *self.cost, self.state))
        # The rank of a gain, raised for each state so that an earlier state's partials never count.
        rank = np.searchsorted(np.sort(self.gain), self.gain)
        level = rank + self.state.astype(np.int64) * (len(self.gain) + 1)
        highest = np.maximum.accumulate(level[by_cost])
        before = np.concatenate([[-1], highest[:-1]])
        return np.sort(by_cost[level[by_cost] > before])


def concatenate(parts: Sequence[Partials]) -> Partials:
    """Return the partials of all parts."""
    fields = ("state", "gain", "cost", "bound", "parent", "width")
    return Partials(*(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in fields))
