"""Find the residual blocks that a subnet may leave out, by giving their inner unit groups the width 0.

A block computes y = x + f(x). Without f the sum is x itself, so nothing runs: y stands for x. A ReLU after
the sum changes nothing if x comes from a ReLU of its own, with a ceiling that is no higher.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from math import inf

from reds.errors import GraphError
from reds.graph.parts import Group, Layer, Tensor
from reds.pack.model import Kind

COPYING = frozenset({
    Kind.AVERAGE_POOL, Kind.MAX_POOL, Kind.FLATTEN, Kind.CONCAT, Kind.UPSAMPLE, Kind.TRANSPOSE, Kind.RESHAPE,
})  # fmt: skip
"""Kinds whose outputs lie in the range of their inputs, or are 0 in the padding of an average."""


@dataclass(frozen=True)
class Block:
    """A residual block whose input and output agree in shape and in range."""

    add: int
    """The layer that ends it, an index into `Graph.layers`."""
    skip: int
    """The tensor that it reads, and that the sum stands for where the block is left out."""
    layers: frozenset[int]
    """The layers that run only for the sum, and the sum."""
    groups: tuple[int, ...]
    """The unit groups that lie in this block and in no smaller one inside it: all have width 0, or none."""


@dataclass(frozen=True)
class Running:
    """The part of a network that a subnet runs."""

    layers: tuple[int, ...]
    """Indices into `Graph.layers`, ascending."""
    stands: dict[int, int]
    """For the sum of each block that is left out, the tensor that it stands for, which is computed."""


def find_blocks(
    groups: Sequence[Group], tensors: Sequence[Tensor], layers: Sequence[Layer]
) -> tuple[Block, ...]:
    """Return the blocks of a graph that a subnet may leave out, in the order that they end.

    A block has a unit group of its own. Nothing but its sum is read outside of it, and it reads nothing but
    the tensor that the sum stands for. The network's output is no such sum.
    """
    ranges, taken = _ranges(layers), set[int]()
    blocks = []
    for end, layer in enumerate(layers[:-1]):
        if layer.kind is not Kind.ADD:
            continue
        for skip, branch in (layer.inputs, layer.inputs[::-1]):
            inside = _only_for(layers, end, branch)
            written = {layers[i].output for i in inside}
            read = {tensor for i in inside for tensor in layers[i].inputs} - written
            own = tuple(g for g in _held(groups, tensors, written) if g not in taken)
            same = tensors[skip] == tensors[layer.output]
            if own and same and read == {skip} and _is_identity(layer, *ranges[skip]):
                taken.update(own)
                blocks.append(Block(end, skip, inside | {end}, own))
    return tuple(blocks)


def running_layers(layers: Sequence[Layer], blocks: Sequence[Block], empty: Set[int]) -> Running:
    """Return the layers that a subnet runs, and the sums that stand for another tensor.

    Args:
        layers: Those of the full network.
        blocks: The blocks that may be left out.
        empty: The groups of which the subnet keeps no unit.

    Raises:
        GraphError: A block does not hold one of these groups, or holds others that are not among them.
    """
    dropped = frozenset[int]().union(*(block.layers for block in blocks if empty >= set(block.groups)))
    left_out = [block for block in blocks if block.add in dropped]
    if empty != {g for block in left_out for g in block.groups}:
        raise GraphError(
            f"groups {sorted(empty)} keep no unit: only all groups inside of a residual block may do so,"
            f" which are {' or '.join(str(sorted(block.groups)) for block in blocks) or 'none in this net'}"
        )
    stands: dict[int, int] = {}
    for block in left_out:
        if not any(block.add in other.layers for other in left_out if other is not block):
            stands[layers[block.add].output] = stands.get(block.skip, block.skip)
    return Running(tuple(i for i in range(len(layers)) if i not in dropped), stands)


def _only_for(layers: Sequence[Layer], end: int, tensor: int) -> frozenset[int]:
    """Return the layers that write this tensor, as far as nothing but layer `end` reads what they write."""
    inside = set[int]()
    for i in range(end - 1, -1, -1):
        output = layers[i].output
        readers = {j for j, layer in enumerate(layers) if output in layer.inputs}
        ends = output == tensor and readers == {end} and layers[end].inputs.count(tensor) == 1
        if ends or (readers and readers <= inside):
            inside.add(i)
    return frozenset(inside)


def _held(groups: Sequence[Group], tensors: Sequence[Tensor], inside: Set[int]) -> list[int]:
    """Return the groups, cut ones alone, of which every tensor is inside."""
    found = []
    for g, group in enumerate(groups):
        members = {t for t, tensor in enumerate(tensors) if any(span.group == g for span in tensor.spans)}
        if group.cut and members and members <= inside:
            found.append(g)
    return found


def _is_identity(add: Layer, low: float, high: float) -> bool:
    """Return whether a sum without its branch is its other input, which lies between `low` and `high`."""
    return add.activation is None and (not add.relu or (low >= 0 and high <= add.ceiling))


def _ranges(layers: Sequence[Layer]) -> list[tuple[float, float]]:
    """Return the smallest and the largest value that every tensor may have."""
    ranges = [(-inf, inf)]
    for layer in layers:
        inputs = [ranges[tensor] for tensor in layer.inputs]
        if layer.activation is not None:
            ranges.append((-inf, inf))
        elif layer.relu:
            ranges.append((0.0, layer.ceiling))
        elif layer.kind in COPYING:
            padded = [(0.0, 0.0)] if any(layer.padding) else []
            ends = [*inputs, *padded]
            ranges.append((min(low for low, _ in ends), max(high for _, high in ends)))
        elif layer.kind is Kind.ADD:
            ranges.append((sum(low for low, _ in inputs), sum(high for _, high in inputs)))
        else:
            ranges.append((-inf, inf))
    return ranges
