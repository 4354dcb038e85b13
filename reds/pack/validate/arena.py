"""Check the arena of a subnet: tensors that are in use at the same time share no bytes."""

from collections.abc import Sequence

import numpy as np

from reds.pack.arena import ALIGNMENT
from reds.pack.model import Arena
from reds.pack.padding import round_up
from reds.pack.validate.expect import expect


def validate_arena(
    where: str, arena: Arena, sizes: Sequence[int], scratch: Sequence[int], lives: Sequence[tuple[int, int]]
) -> None:
    """Check an arena of the canonical layout.

    Args:
        where: The subnet as errors name it.
        arena: The arena.
        sizes: Bytes of the input and of the output of each step.
        scratch: Bytes that the kernel of each step needs beside its tensors.
        lives: The first and the last step during which each tensor is in use.

    Raises:
        ModelError: A rule is broken.
    """
    tensors, steps = len(sizes), len(scratch)
    expect(
        (len(arena.tensors), len(arena.scratch)) == (tensors, steps),
        f"{where} has an arena for {len(arena.tensors)} tensors and {len(arena.scratch)} steps:"
        f" {tensors} and {steps} are needed",
    )
    start = np.array([*arena.tensors, *arena.scratch], np.int64)
    end = start + np.array([round_up(n, ALIGNMENT) for n in (*sizes, *scratch)], np.int64)
    outside = np.flatnonzero((start % ALIGNMENT != 0) | (start < 0) | (end > arena.size))
    for i in outside[:1]:
        place = (
            f"{where} has {_name(i, tensors)} at {start[i]} to {end[i]} of an arena of {arena.size:,} bytes"
        )
        expect(False, f"{place}: it must lie within, at a multiple of {ALIGNMENT}")
    expect(
        arena.size % ALIGNMENT == 0,
        f"{where} has an arena of {arena.size:,} bytes: a multiple of {ALIGNMENT} is needed",
    )
    first, last = np.array([*lives, *((i, i) for i in range(steps))]).T
    together = (first[:, None] <= last) & (first <= last[:, None])
    shared = (
        together & (start[:, None] < end) & (start < end[:, None]) & (start < end) & (start < end)[:, None]
    )
    for one, other in np.argwhere(np.triu(shared, 1))[:1]:
        pair = " and ".join(f"{_name(t, tensors)} at {start[t]} to {end[t]}" for t in (one, other))
        expect(False, f"{where} has {pair} of its arena: both are in use in step {first[[one, other]].max()}")


def _name(index: int, tensors: int) -> str:
    """Return how errors call a part of the arena: one of the tensors, or the scratch of a step."""
    if index >= tensors:
        return f"the scratch of step {index - tensors}"
    return f"the output of step {index - 1}" if index else "the input"
