"""Where each tensor of a subnet lives in the arena: tensors share bytes when they are never alive together.

Planned once, at pack time, for every subnet; the device only adds an offset. A layer's inputs, output and
scratch live together, so no arena is smaller than the most that does. Greedy by size mostly needs no more;
where it does, the arena is filled from both ends in the order the net runs, which for a chain never does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reds.pack.model import Model
from reds.pack.padding import up

ALIGNMENT = 16
TRIES = 10_000
"""Blocks placed from the ends before the greedy plan is taken after all."""


@dataclass(frozen=True)
class Arena:
    """Byte offsets of each tensor and of each layer's scratch, and the bytes they take in all."""

    tensors: tuple[int, ...]
    scratch: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class _Block:
    size: int
    first: int
    last: int


def plan(model: Model, subnet: int, scratch: Sequence[int] | None = None) -> Arena:
    """Place the tensors of one subnet, and `scratch[i]` bytes that layer i alone needs while it runs."""
    steps = model.subnets[subnet].steps
    units = [model.tensors[0].units, *(step.units_out for step in steps)]
    sizes = [shape.size(live) for shape, live in zip(model.tensors, units, strict=True)]
    return place([layer.inputs for layer in model.layers], sizes, scratch or [0] * len(steps))


def place(inputs: Sequence[Sequence[int]], sizes: Sequence[int], scratch: Sequence[int]) -> Arena:
    """Place tensors of these bytes: layer i reads tensors `inputs[i]`, writes i + 1, needs `scratch[i]`."""
    lives = lifetimes(inputs)
    blocks = [_Block(up(n, ALIGNMENT), *life) for n, life in zip(sizes, lives, strict=True)]
    blocks += [_Block(up(n, ALIGNMENT), i, i) for i, n in enumerate(scratch)]
    least = max(sum(b.size for b in blocks if b.first <= i <= b.last) for i in range(len(inputs)))
    offsets = _by_size(blocks)
    if _end(blocks, offsets) > least:
        offsets = _from_both_ends(blocks, least) or offsets
    return Arena(tuple(offsets[: len(sizes)]), tuple(offsets[len(sizes) :]), _end(blocks, offsets))


def lifetimes(inputs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The first and the last layer during which each tensor lives; the output lives to the end."""
    reads = [[i for i, read in enumerate(inputs) if tensor in read] for tensor in range(len(inputs) + 1)]
    return [(max(t - 1, 0), max(layers, default=len(inputs) - 1)) for t, layers in enumerate(reads)]


def _end(blocks: Sequence[_Block], offsets: Sequence[int]) -> int:
    return max(at + block.size for at, block in zip(offsets, blocks, strict=True))


def _by_size(blocks: Sequence[_Block]) -> list[int]:
    """Lowest free offset for each block, the largest blocks first."""
    offsets, size = [0] * len(blocks), sum(block.size for block in blocks)
    order = sorted(range(len(blocks)), key=lambda i: (-blocks[i].size, i))
    for n, i in enumerate(order):
        offsets[i] = _free(blocks, offsets, order[:n], i, size)[0][0]
    return offsets


def _from_both_ends(blocks: Sequence[_Block], size: int) -> list[int] | None:
    """Offsets within `size`, or None if no more than TRIES tries find any.

    Blocks are placed as they come alive, lowest or highest in turn. In a chain the last one placed leaves
    the other end free, so the first try holds.
    """
    offsets = [0] * len(blocks)
    order = sorted(range(len(blocks)), key=lambda i: (blocks[i].first, i))
    left = [[0]]
    for _ in range(TRIES):
        if not left:
            return None
        if not left[-1]:
            left.pop()
            continue
        n = len(left)
        offsets[order[n - 1]] = left[-1].pop()
        if n == len(order):
            return offsets
        i = order[n]
        free = _free(blocks, offsets, order[:n], i, size)
        ends = [free[0][0], free[-1][1] - blocks[i].size] if free else []
        left.append(ends if i % 2 else ends[::-1])
    return None


def _free(
    blocks: Sequence[_Block], offsets: Sequence[int], placed: Sequence[int], i: int, size: int
) -> list[tuple[int, int]]:
    """Gaps below `size`, ascending, that hold block i beside those placed that live with it."""
    block = blocks[i]
    busy = sorted(
        (offsets[j], offsets[j] + blocks[j].size)
        for j in placed
        if blocks[j].size and blocks[j].first <= block.last and block.first <= blocks[j].last
    )
    gaps, at = [], 0
    for start, end in [*busy, (size, size)]:
        if start - at >= block.size:
            gaps.append((at, start))
        at = max(at, end)
    return gaps
