"""Sweep over stages by dynamic programming: the largest value of every state, and a choice that reaches it.

All functions take the stages and, for each stage, a table of values shaped as its `gain`.
"""

from collections.abc import Sequence

import numpy as np

from reds.nesting.solver.problem import Choice
from reds.nesting.solver.stages import Stage, Values


def forward(stages: Sequence[Stage], values: Sequence[Values]) -> list[Values]:
    """Return the largest sum before each stage and after the last, for each state of the open groups."""
    best = [np.zeros(())]
    for stage, table in zip(stages, values, strict=True):
        best.append((best[-1][..., None] + table).max(axis=stage.closed))
    return best


def backward(stages: Sequence[Stage], values: Sequence[Values]) -> list[Values]:
    """Return the largest sum from before each stage, and from after the last, to the end."""
    best = [np.zeros(())]
    for stage, table in zip(reversed(stages), reversed(values), strict=True):
        best.append((table + np.expand_dims(best[-1], stage.closed)).max(axis=-1))
    return best[::-1]


def trace(stages: Sequence[Stage], values: Sequence[Values], best: Sequence[Values]) -> Choice:
    """Return a choice that reaches the largest sum.

    Args:
        stages: The problem.
        values: For each stage a table shaped as its `gain`.
        best: The result of `forward` for these values.
    """
    choice: dict[int, int] = {}
    state: tuple[int, ...] = ()
    for stage, table, before in zip(reversed(stages), reversed(values), reversed(best[:-1]), strict=True):
        known = iter(state)
        index = tuple(slice(None) if axis in stage.closed else next(known) for axis in range(table.ndim))
        sums = np.broadcast_to(before[..., None], table.shape)[index] + table[index]
        closed = iter(np.unravel_index(int(sums.argmax()), sums.shape))
        full = [int(next(closed)) if isinstance(axis, slice) else axis for axis in index]
        choice[stage.group], state = full[-1], tuple(full[:-1])
    return tuple(choice[g] for g in sorted(choice))


def ceilings(stages: Sequence[Stage], values: Sequence[Values]) -> list[Values]:
    """Return for each group and width the largest sum of any choice with this width."""
    before, after = forward(stages, values), backward(stages, values)
    most: dict[int, Values] = {}
    for i, (stage, table) in enumerate(zip(stages, values, strict=True)):
        through = before[i][..., None] + table + np.expand_dims(after[i + 1], stage.closed)
        most[stage.group] = through.max(axis=tuple(range(table.ndim - 1)))
    return [most[g] for g in sorted(most)]
