"""Plan the arena: the device's working memory, in which tensors share bytes if they never live together.

The plan of every subnet is made at pack time, and the device only adds offsets. A layer's inputs, output and
scratch live together, so the arena of a subnet is at least as large as the layer that needs most. Placing the
largest tensors first usually reaches this bound. Where it does not, tensors are placed in the order that the
network runs, from both ends of the arena. That always reaches the bound in a network without branches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reds.pack.model import Arena, Model
from reds.pack.padding import round_up

ALIGNMENT = 16
"""Bytes. Every offset is a multiple of this."""
TRIES = 10_000
"""Placements tried from both ends before the plan by size is accepted, although it is larger."""


@dataclass(frozen=True)
class _Block:
    """Bytes that are in use from step `first` to step `last`."""

    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Schedule:
    """The layers that a subnet runs, as a network without gaps: step i writes tensor i + 1."""

    tensors: tuple[int, ...]
    """The tensor of the full network that each one is; the first is the input."""
    reads: tuple[tuple[int, ...], ...]
    """For each step the tensors that it reads, as indices into `tensors`."""


def schedule(inputs: Sequence[Sequence[int]], runs: Sequence[int], stands: Mapping[int, int]) -> Schedule:
    """Return the layers that a subnet runs as a network without gaps.

    Args:
        inputs: For each layer of the full network the indices of the tensors that it reads.
        runs: Indices of the layers that run, ascending. Layer i writes tensor i + 1.
        stands: For each tensor that stands for another the index of that one.
    """
    tensors = (0, *(i + 1 for i in runs))
    at = {tensor: n for n, tensor in enumerate(tensors)}
    at |= {tensor: at[held] for tensor, held in stands.items()}
    return Schedule(tensors, tuple(tuple(at[tensor] for tensor in inputs[i]) for i in runs))


def model_schedule(model: Model, subnet: int) -> Schedule:
    """Return the layers that a subnet of a model runs as a network without gaps."""
    chosen = model.subnets[subnet]
    runs = [step.layer for step in chosen.steps]
    return schedule([layer.inputs for layer in model.layers], runs, chosen.stands)


def plan(model: Model, subnet: int, scratch: Sequence[int] | None = None) -> Arena:
    """Place the tensors and the scratch of one subnet.

    Args:
        model: The integer network.
        subnet: The index of the subnet.
        scratch: Bytes that each step needs while it runs, beside its tensors; by default none.
    """
    steps = model_schedule(model, subnet)
    return place(steps, tensor_sizes(model, subnet), scratch or [0] * len(steps.reads))


def tensor_sizes(model: Model, subnet: int) -> list[int]:
    """Return the bytes of the input and of the output of each step."""
    steps = model.subnets[subnet].steps
    return [model.input_size, *(model.tensors[s.layer + 1].size(s.units_out) for s in steps)]


def place(steps: Schedule, sizes: Sequence[int], scratch: Sequence[int]) -> Arena:
    """Place tensors and scratch of a subnet in as few bytes as the search finds.

    Args:
        steps: The layers that it runs.
        sizes: Bytes of the input and of the output of each step.
        scratch: Bytes of each step's scratch.
    """
    blocks = [_Block(round_up(n, ALIGNMENT), *life) for n, life in zip(sizes, lifetimes(steps), strict=True)]
    blocks += [_Block(round_up(n, ALIGNMENT), i, i) for i, n in enumerate(scratch)]
    bound = max(sum(b.size for b in blocks if b.first <= i <= b.last) for i in range(len(scratch)))
    offsets = _largest_first(blocks)
    if _end(blocks, offsets) > bound:
        offsets = _from_both_ends(blocks, bound) or offsets
    return Arena(tuple(offsets[: len(sizes)]), tuple(offsets[len(sizes) :]), _end(blocks, offsets))


def lifetimes(steps: Schedule) -> list[tuple[int, int]]:
    """Return the first and the last step during which each tensor of a schedule is in use.

    A tensor that no step reads, as the network's output, is in use to the end.
    """
    end, found = len(steps.reads) - 1, []
    for tensor in range(len(steps.tensors)):
        readers = [i for i, read in enumerate(steps.reads) if tensor in read]
        found.append((max(tensor - 1, 0), max(readers, default=end)))
    return found


def _end(blocks: Sequence[_Block], offsets: Sequence[int]) -> int:
    return max(offset + block.size for offset, block in zip(offsets, blocks, strict=True))


def _largest_first(blocks: Sequence[_Block]) -> list[int]:
    """Place the largest blocks first, each at the lowest free offset."""
    offsets, size = [0] * len(blocks), sum(block.size for block in blocks)
    order = sorted(range(len(blocks)), key=lambda i: (-blocks[i].size, i))
    for n, i in enumerate(order):
        offsets[i] = _gaps(blocks, offsets, order[:n], i, size)[0][0]
    return offsets


def _from_both_ends(blocks: Sequence[_Block], size: int) -> list[int] | None:
    """Place blocks within `size` bytes by backtracking; None if TRIES tries find no placement.

    Blocks are placed in the order that they come into use, alternately at the lowest and highest offset.
    In a network without branches the block placed last leaves the other end free, so the first try succeeds.
    """
    offsets = [0] * len(blocks)
    order = sorted(range(len(blocks)), key=lambda i: (blocks[i].first, i))
    untried = [[0]]  # offsets left to try, for each block placed so far and the next one
    for _ in range(TRIES):
        if not untried:
            return None
        if not untried[-1]:
            untried.pop()
            continue
        n = len(untried)
        offsets[order[n - 1]] = untried[-1].pop()
        if n == len(order):
            return offsets
        i = order[n]
        gaps = _gaps(blocks, offsets, order[:n], i, size)
        ends = [gaps[0][0], gaps[-1][1] - blocks[i].size] if gaps else []
        untried.append(ends if i % 2 else ends[::-1])
    return None


def _gaps(
    blocks: Sequence[_Block], offsets: Sequence[int], placed: Sequence[int], i: int, size: int
) -> list[tuple[int, int]]:
    """Return the gaps below `size`, ascending, that hold block i beside the placed blocks in use with it."""
    block = blocks[i]
    busy = sorted(
        (offsets[j], offsets[j] + blocks[j].size)
        for j in placed
        if blocks[j].size and blocks[j].first <= block.last and block.first <= blocks[j].last
    )
    gaps, free_from = [], 0
    for start, end in [*busy, (size, size)]:
        if start - free_from >= block.size:
            gaps.append((free_from, start))
        free_from = max(free_from, end)
    return gaps
