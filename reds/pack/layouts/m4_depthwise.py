"""Define how the Cortex-M4 cuts depthwise layers into strips, for the scratch that its kernel needs.

A strip is four units of some lines of the input, as int16, one unit apart from the other. Lines run along the
side of the picture with more outputs, or along the only side of the kernel. Weights stay in the canonical
order. `targets/runtime/kernels/cortex_m4/depthwise.h` describes the same for C.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from reds.pack.model import IntegerLayer, Kind, TensorShape
from reds.pack.padding import round_up

STRIP_BYTES = 8192
"""Strips are chosen to be at most this large where one line of 12 outputs fits."""
STRIP_LIMIT = 16384
"""A layer that needs more scratch has no kernel."""
UNROLLED_TAPS = 9
"""Taps along a line that a kernel has one after the other, at most. Further ones run in a loop."""
PART = 8
"""The only row of more taps is taken for rows of so many."""
FEW = 4
"""Outputs of a unit, at most, that are computed without strips: windows are listed instead."""
BLOCK = 12
"""Long lines are cut into multiples of so many outputs."""


@dataclass(frozen=True)
class Side:
    """Rows or columns of a depthwise layer."""

    outputs: int
    kernel: int
    stride: int
    dilation: int


def is_depthwise(layer: IntegerLayer, sources: Sequence[TensorShape]) -> bool:
    """Return whether a layer is depthwise, or grouped in blocks that read one unit."""
    return layer.kind is Kind.DEPTHWISE or (layer.kind is Kind.GROUPED and layer.groups == sources[0].units)


def _sides(layer: IntegerLayer, source: TensorShape) -> tuple[Side, Side]:
    """Return the side along the lines of strips and the side across."""
    sizes, padding = (source.height, source.width), layer.padding
    rows, columns = (
        Side(
            (sizes[i] + padding[i] + padding[i + 2] - layer.span[i]) // layer.stride[i] + 1,
            layer.kernel[i],
            layer.stride[i],
            layer.dilation[i],
        )
        for i in range(2)
    )
    upright = columns.kernel == 1 if 1 in layer.kernel else rows.outputs > columns.outputs
    return (rows, columns) if upright else (columns, rows)


def scratch(layer: IntegerLayer, sources: Sequence[TensorShape], units: int) -> int:
    """Return the bytes of a strip and of the weights of four units as the kernel spreads them.

    All subnets have the same, but where few outputs are computed without strips.

    Args:
        layer: The layer of the full network.
        sources: The shapes of the tensors that it reads, in the full network.
        units: The units that a subnet reads.
    """
    along, across = _sides(layer, sources[0])
    if layer.kind is Kind.DEPTHWISE and along.outputs * across.outputs <= FEW:
        return 4 * layer.taps + units
    shared = gcd(along.stride, along.dilation)
    phases, stride = along.dilation // shared, along.stride // shared
    parts, taps = 1, round_up(along.kernel, 2)
    if stride <= 2 and along.kernel <= UNROLLED_TAPS:
        taps = max(3, along.kernel | 1)
    elif stride <= 2 and across.kernel == 1:
        parts, taps = -(-along.kernel // PART), UNROLLED_TAPS
    unrolled = taps % 2 == 1
    words = taps - 1 if unrolled and stride == 1 else (taps + 1) // 2
    together = (2 if stride == 1 else 1) if unrolled else 4

    def line(outputs: int) -> int:
        return 8 * round_up(stride * (round_up(outputs, together) - 1) + (parts - 1) * PART + taps, 2)

    window = (across.kernel - 1) * across.dilation + 1
    outputs = -(-along.outputs // phases)
    while outputs > BLOCK and window * line(outputs) > STRIP_BYTES:
        outputs = round_up(-(-outputs // 2), BLOCK)
    buffers = STRIP_BYTES // line(outputs)
    lines = 1 if buffers < window else min((buffers - window) // across.stride + 1, across.outputs)
    lines = -(-across.outputs // -(-across.outputs // lines))
    rows = (lines - 1) * across.stride + window
    return rows * line(outputs) + 16 * across.kernel * parts * words
