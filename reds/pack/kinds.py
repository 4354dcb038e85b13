"""Name the operations that a layer of a pack can be, and say what each has in its table.

A row of a table has a bias and a multiplier: `acc` includes the bias, and requantization multiplies it. Some
kinds have other numbers in these places:

- Multiplication: no bias.
- Concatenation: a row for each input.
- PReLU: two multipliers, below zero and from zero up.
- Layer norm: after its units a row more, whose bias is the epsilon of the integers.
- Attention: the multiplier of the exponents in the place of the bias.
"""

from enum import IntEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Units = TypeVar("Units", int, NDArray[np.int64])


class Kind(IntEnum):
    """Name the operation of a layer. The numbers are part of the pack format."""

    DENSE = 1
    CONV = 2
    DEPTHWISE = 3
    AVERAGE_POOL = 4
    MAX_POOL = 5
    ADD = 6
    """Adds a second input, which may have one row or one column for all of the first."""
    FLATTEN = 7
    """Writes all spatial positions of the first unit, then of the second, and so on. So the features of a
    subnet are a prefix of the full network's."""
    GROUPED = 8
    """Convolution whose units come in blocks: a block of the output reads its own block of the input alone. A
    depthwise convolution that writes several units for each that it reads is one too."""
    TRANSPOSED = 9
    """Convolution of stride 1 over the input spread out: `stride` - 1 rows and columns of the zero point lie
    between its own. The padding is that of the convolution whose gradient it is."""
    UPSAMPLE = 10
    """Writes each row and each column `stride` times."""
    MULTIPLY = 11
    """Multiplies by a second input, which may have one row or one column for all of the first."""
    CONCAT = 12
    """Writes the units of several inputs, each subnet's behind those of the next smaller one."""
    PRELU = 13
    """Scales values below zero by another multiplier than the others, for each unit."""
    LAYER_NORM = 14
    """Normalizes the units of each position."""
    ATTENTION = 15
    """Reads queries, keys and values, whose `groups` heads have the same number of units each."""
    EMBED = 16
    """Adds constants to each unit of each position, and may put positions in front."""
    TRANSPOSE = 17
    """Swaps positions and units. Every subnet keeps all of both."""
    RESHAPE = 18
    """Writes the same bytes in another shape."""


MIXING = frozenset({Kind.DENSE, Kind.CONV, Kind.TRANSPOSED})
"""Kinds each of whose units reads every unit of the input."""
WEIGHTED = MIXING | {Kind.DEPTHWISE, Kind.GROUPED}
"""Kinds with weights and a row of the table for every unit written."""
BLOCKED = frozenset({Kind.GROUPED, Kind.ATTENTION})
"""Kinds whose units come in blocks or heads, which a subnet keeps whole."""
WINDOWED = frozenset(
    {Kind.CONV, Kind.DEPTHWISE, Kind.AVERAGE_POOL, Kind.MAX_POOL, Kind.GROUPED, Kind.TRANSPOSED}
)
"""Kinds that slide a window over their input."""
COPYING = frozenset({Kind.MAX_POOL, Kind.FLATTEN, Kind.UPSAMPLE, Kind.TRANSPOSE, Kind.RESHAPE})
"""Kinds that copy bytes."""
REQUANTIZED = frozenset(Kind) - COPYING
"""Kinds that requantize an accumulator."""
FACTORED = frozenset({Kind.AVERAGE_POOL, Kind.ADD, Kind.EMBED})
"""Kinds that scale what they read by integer factors, of which their table has one row."""


def table_rows(kind: Kind, units_out: Units, inputs: int = 1) -> Units | int:
    """Return the rows of a subnet's table.

    Args:
        kind: The kind of the layer.
        units_out: Units that the subnet writes.
        inputs: Tensors that the layer reads.
    """
    if kind in WEIGHTED or kind is Kind.PRELU:
        return units_out
    if kind is Kind.LAYER_NORM:
        return units_out + 1
    if kind is Kind.CONCAT:
        return inputs
    return 1 if kind in REQUANTIZED else 0
