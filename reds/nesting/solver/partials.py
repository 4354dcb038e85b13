"""Choices grown stage by stage, all that may still beat the best one known: what is left proves it.

A label is a choice of the groups so far. It is dropped where its bound cannot beat `floor`, where its costs
cannot stay within the limits, or where another of the same open widths gains no less and costs no more.
At most `width` labels are kept, and no more grown than `work` allows, those of the highest bounds; the
highest bound cut is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.nesting.solver.problem import Choice
from reds.nesting.solver.stages import Stage, Values, backward

Indices = NDArray[np.intp]
GROWN = 1 << 21
"""Costs of labels grown at a time."""
LOOK_BACK = 48
"""With several costs, how many labels before it may dominate one."""


@dataclass(frozen=True)
class Grown:
    """The best choice above the floor, if any, the highest bound of what was cut, and the work left."""

    choice: Choice | None
    cut: float
    work: int


@dataclass(frozen=True)
class _Labels:
    """Open widths [N], gain [N], costs [costs, N], bound [N], and where each comes from."""

    state: Indices
    gain: Values
    cost: Values
    bound: Values
    parent: Indices
    width: Indices

    def __len__(self) -> int:
        return len(self.state)

    def of(self, kept: Indices) -> "_Labels":
        return _Labels(
            self.state[kept], self.gain[kept], self.cost[:, kept], self.bound[kept],
            self.parent[kept], self.width[kept],
        )  # fmt: skip

    def best(self, width: int) -> "tuple[_Labels, float]":
        """The labels of the highest bounds, and the highest bound that is cut."""
        if len(self) <= width:
            return self, -np.inf
        by_bound = np.argpartition(-self.bound, width)
        return self.of(np.sort(by_bound[:width])), float(self.bound[by_bound[width:]].max())

    def within(self, each: Indices, most: int) -> tuple[Indices, float]:
        """Those of the highest bounds that grow `most` together, at least one, and the highest bound cut."""
        if each.sum() <= most:
            return np.arange(len(self)), -np.inf
        by_bound = np.argsort(-self.bound, kind="stable")
        n = max(int(np.searchsorted(np.cumsum(each[by_bound]), most, "right")), 1)
        return np.sort(by_bound[:n]), float(self.bound[by_bound[n:]].max(initial=-np.inf))


def grow(
    stages: Sequence[Stage], limits: Values, prices: Values, floor: float, width: int, work: int
) -> Grown:
    """Look for a choice that gains more than `floor`, with at most `width` labels a stage.

    `work` is how many costs of labels may be counted.
    """
    reduced = [stage.reduced(prices) for stage in stages]
    onward = [best.ravel() for best in backward(stages, reduced)]
    cheapest = [
        backward(stages, [np.where(np.isfinite(s.gain), -s.costs[j], -np.inf) for s in stages])
        for j in range(len(limits))
    ]
    zero = np.zeros(1, np.intp)
    labels = _Labels(zero, np.zeros(1), np.zeros((len(limits), 1)), np.zeros(1), zero, zero)
    history, cut = list[tuple[Indices, Indices]](), -np.inf
    for i, stage in enumerate(stages):
        room = limits[:, None] + np.reshape(
            [least[i + 1] for least in cheapest], (len(limits), onward[i + 1].size)
        )
        share = work // (len(stages) - i)
        labels, lost, spent = _step(stage, labels, onward[i + 1], room, limits, prices, floor, width, share)
        history.append((labels.parent, labels.width))
        cut, work = max(cut, lost), work - spent
        if not len(labels):
            return Grown(None, cut, work)
    at, chosen = int(labels.gain.argmax()), list[int]()
    for parent, wide in reversed(history):
        chosen.append(int(wide[at]))
        at = int(parent[at])
    placed = dict(zip([stage.group for stage in stages], reversed(chosen), strict=True))
    return Grown(tuple(placed[g] for g in sorted(placed)), cut, work)


def _step(
    stage: Stage, labels: _Labels, onward: Values, room: Values, limits: Values, prices: Values,
    floor: float, width: int, work: int,
) -> tuple[_Labels, float, int]:  # fmt: skip
    """Every label with every width of the stage's group, as far as it may beat the floor; cut and work."""
    n = stage.gain.shape[-1]
    gain, to = stage.gain.reshape(-1, n), stage.to.reshape(-1, n)
    costs = stage.costs.reshape(len(limits), *gain.shape)
    budget, score = float(prices @ limits), labels.gain - prices @ labels.cost
    most = np.full(len(gain), -np.inf)
    np.maximum.at(most, labels.state, score)
    through = stage.reduced(prices).reshape(-1, n) + onward[to] + budget
    state, wide = np.nonzero(most[:, None] + through > floor)
    each, through, gain, to, costs = (
        np.bincount(state, minlength=len(gain)), through[state, wide], gain[state, wide], to[state, wide],
        costs[:, state, wide],
    )  # fmt: skip
    begin = np.cumsum(each) - each
    parts, held, counts, one = list[_Labels](), 0, each[labels.state], max(len(limits), 1)
    grown_from, cut = labels.within(counts, work // one)
    reach = np.cumsum(counts[grown_from])
    turns = np.flatnonzero(np.diff(reach * one // GROWN)) + 1
    for piece in np.split(grown_from, turns):
        parent = np.repeat(piece, counts[piece])
        first = np.repeat(np.cumsum(counts[piece]) - counts[piece], counts[piece])
        arc = begin[labels.state[parent]] + np.arange(len(parent)) - first
        bound = score[parent] + through[arc]
        kept = bound > floor
        parent, arc, bound = parent[kept], arc[kept], bound[kept]
        cost = labels.cost[:, parent] + costs[:, arc]
        kept = (cost <= room[:, to[arc]]).all(axis=0)
        parent, arc = parent[kept], arc[kept]
        grown = _Labels(
            to[arc], labels.gain[parent] + gain[arc], cost[:, kept], bound[kept], parent, wide[arc]
        )
        parts.append(grown.of(_undominated(grown, prices)))
        held += len(parts[-1])
        if held > 4 * width:
            together, lost = _together(parts).best(width)
            parts, held, cut = [together], len(together), max(cut, lost)
    together = _together(parts)
    together, lost = together.of(_undominated(together, prices)).best(width)
    return together, max(cut, lost), int(reach[-1]) * one


def _together(parts: Sequence[_Labels]) -> _Labels:
    fields = ("state", "gain", "cost", "bound", "parent", "width")
    return _Labels(*(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in fields))


def _undominated(labels: _Labels, prices: Values) -> Indices:
    """With one cost those that no other label dominates; with several, all that the look back leaves."""
    state, gain, cost = labels.state, labels.gain, labels.cost
    if len(cost) <= 1:
        by_cost = np.lexsort((-gain, *cost, state))
        level = np.searchsorted(np.sort(gain), gain) + state.astype(np.int64) * (len(gain) + 1)
        seen = np.maximum.accumulate(level[by_cost])
        before = np.concatenate([[-1], seen[:-1]])
        return np.sort(by_cost[level[by_cost] > before])
    order = np.lexsort((-(gain - prices @ cost), state))
    state, gain, cost = state[order], gain[order], cost[:, order]
    dominated = np.zeros(len(order), np.bool_)
    for back in range(1, min(LOOK_BACK, len(order) - 1) + 1):
        worse = (state[:-back] == state[back:]) & (gain[:-back] >= gain[back:])
        by = np.flatnonzero(worse & ~dominated[back:])
        for each in cost:
            by = by[each[by] <= each[by + back]]
        dominated[by + back] = True
    return np.sort(order[~dominated])
