"""Check the arena of a subnet: tensors that are in use at the same time share no bytes."""

from collections.abc import Sequence

import numpy as np

from reds.pack.arena import ALIGNMENT
from reds.pack.model import Arena
from reds.pack.padding import round_up
from reds.pack.validate.expect import expect


def validate_arena(where: str, arena: Arena, sizes: Sequence[int], lives: Sequence[tuple[int, int]]) -> None:
    """Check an arena of the canonical layout, whose kernels need no scratch.

    Args:
        where: The subnet as errors name it.
        arena: The arena.
        sizes: Bytes of the input and of the output of each step.
        lives: The first and the last step during which each tensor is in use.

    Raises:
        ModelError: A rule is broken.
    """
    tensors, steps = len(sizes), len(sizes) - 1
    expect(
        (len(arena.tensors), len(arena.scratch)) == (tensors, steps),
        f"{where} has an arena for {len(arena.tensors)} tensors and {len(arena.scratch)} steps:"
        f" {tensors} and {steps} are needed",
    )
    start = np.array([*arena.tensors, *arena.scratch], np.int64)
    end = start + np.array([*(round_up(n, ALIGNMENT) for n in sizes), *[0] * steps], np.int64)
    outside = np.flatnonzero((start % ALIGNMENT != 0) | (start < 0) | (end > arena.size))
    for i in outside[:1]:
        name = _tensor(i) if i < tensors else f"the scratch of step {i - tensors}"
        place = f"{where} has {name} at {start[i]} to {end[i]} of an arena of {arena.size:,} bytes"
        expect(False, f"{place}: it must lie within, at a multiple of {ALIGNMENT}")
    expect(
        arena.size % ALIGNMENT == 0,
        f"{where} has an arena of {arena.size:,} bytes: a multiple of {ALIGNMENT} is needed",
    )
    first, last = np.array(lives).T
    start, end = start[:tensors], end[:tensors]
    together = (first[:, None] <= last) & (first <= last[:, None])
    overlap = np.argwhere(np.triu(together & (start[:, None] < end) & (start < end[:, None]), 1))
    for one, other in overlap[:1]:
        pair = " and ".join(f"{_tensor(t)} at {start[t]} to {end[t]}" for t in (one, other))
        expect(False, f"{where} has {pair} of its arena: both are in use in step {first[[one, other]].max()}")


def _tensor(index: int) -> str:
    return f"the output of step {index - 1}" if index else "the input"
