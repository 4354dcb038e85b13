"""Compute the layers that move bytes, and the concatenation, which rescales what it moves."""

from collections.abc import Sequence

import numpy as np

from reds.pack.interpreter.arithmetic import Read, Sums, Values
from reds.pack.model import IntegerLayer, Step, TensorShape


def flatten(layer: IntegerLayer, step: Step, read: Read, target: TensorShape) -> Values:
    """Return the positions of one unit after the other, in the shape of the target.

    A flatten writes them as units. A transposition writes a position for each unit.
    """
    moved = read.values.transpose(0, 3, 1, 2)
    return moved.reshape(len(moved), target.height, target.width, step.units_out)


def reshape(layer: IntegerLayer, step: Step, read: Read, target: TensorShape) -> Values:
    """Return the same bytes in the shape of the target."""
    return read.values.reshape(len(read.values), target.height, target.width, step.units_out)


def upsample(layer: IntegerLayer, step: Step, read: Read, target: TensorShape) -> Values:
    """Return each row and each column as often as the stride says."""
    return read.values.repeat(layer.stride[0], axis=1).repeat(layer.stride[1], axis=2)


def concat(step: Step, reads: Sequence[Read]) -> Sums:
    """Return the accumulators of a concatenation, in the order by subnet."""
    acc = [16 * reads[k].values[..., units].astype(np.int64) + step.bias[k] for k, units in _order(reads)]
    return np.concatenate(acc, axis=-1)


def concat_rows(reads: Sequence[Read]) -> list[int]:
    """Return the index of the input of each unit that a concatenation writes."""
    return [k for k, units in _order(reads) for _ in range(units.start, units.stop)]


def _order(reads: Sequence[Read]) -> list[tuple[int, slice]]:
    return concat_order([read.kept or (read.values.shape[-1],) for read in reads])


def concat_order(kept: Sequence[Sequence[int]]) -> list[tuple[int, slice]]:
    """Return the order in which a concatenation writes units: parts of its inputs.

    The units of the smallest subnet come first, those of each input in turn. Those that the next larger
    subnet adds follow. So each subnet keeps a prefix of the units of every larger one.

    Args:
        kept: For each input the units that each subnet keeps, from the smallest one.

    Returns:
        The index of an input, and a range of its units, for each part.
    """
    ranges = [[slice(a, b) for a, b in zip((0, *units), units, strict=False)] for units in kept]
    return [(k, units) for subnet in zip(*ranges, strict=True) for k, units in enumerate(subnet)]
