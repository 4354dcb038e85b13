"""Where each tensor of a subnet lives in the arena: tensors share bytes when they are never alive together.

Planned once, at pack time, for every subnet; the device only adds an offset. Greedy by size, the usual
and near-optimal rule for activation memory; a layer's input, output and scratch always live together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reds.model import Model
from reds.padding import up

ALIGNMENT = 16


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
    blocks = []
    for tensor, (shape, live) in enumerate(zip(model.tensors, units, strict=True)):
        readers = [i for i, layer in enumerate(model.layers) if tensor in layer.inputs]
        last = max(readers, default=len(model.layers) - 1)
        blocks.append(_Block(up(shape.size(live), ALIGNMENT), max(tensor - 1, 0), last))
    blocks += [_Block(up(n, ALIGNMENT), i, i) for i, n in enumerate(scratch or [0] * len(steps))]
    offsets = _place(blocks)
    size = max((at + b.size for at, b in zip(offsets, blocks, strict=True)), default=0)
    return Arena(tuple(offsets[: len(units)]), tuple(offsets[len(units) :]), size)


def _place(blocks: Sequence[_Block]) -> list[int]:
    """Lowest free offset for each block, the largest blocks first."""
    offsets = [0] * len(blocks)
    placed: list[int] = []
    for i in sorted(range(len(blocks)), key=lambda i: (-blocks[i].size, i)):
        block = blocks[i]
        at = 0
        if block.size:
            busy = sorted(
                (offsets[j], offsets[j] + blocks[j].size)
                for j in placed
                if blocks[j].first <= block.last and block.first <= blocks[j].last
            )
            for start, end in busy:
                if start - at >= block.size:
                    break
                at = max(at, end)
        offsets[i] = at
        placed.append(i)
    return offsets
