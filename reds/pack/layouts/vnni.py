"""Define the layout of the x86 kernels: vectors of four inputs by sixteen rows, for inputs of x + 128.

VNNI multiplies unsigned bytes by signed ones, so its kernels read x + 128. To make up for it, their biases
are less 128 times the sum of the weights that a subnet reads. Kernels for AVX2 read x and the biases as they
are.
`targets/runtime/kernels/x86/x86.h` describes the same for C.
"""

from collections.abc import Sequence

import numpy as np

from reds.pack.layouts.fast import KINDS, Fast
from reds.pack.model import WEIGHTED, IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded, round_up, table_bytes

OFFSET = 128
"""The number that the kernels add to an input."""
PANEL = 16
"""Rows of one vector."""
QUAD = 4
"""Inputs, or depthwise taps, that one product sums."""
TILE = 8
"""Windows of the largest tile."""
LINE = 64
"""Bytes. Each part of the scratch begins at a multiple, and kernels may read this far past its end."""


def _units(layer: IntegerLayer) -> int:
    """Return the units that a dense layer or a convolution of the full network reads."""
    return int(layer.weights.shape[1]) // layer.taps


def _quads(layer: IntegerLayer, units: int) -> int:
    """Return the number of quads in a window over so many units."""
    if layer.kind is Kind.DEPTHWISE:
        return round_up(layer.taps, QUAD) // QUAD
    if _units(layer) < QUAD:
        return layer.kernel[0] * round_up(layer.kernel[1] * _units(layer), QUAD) // QUAD
    read = _units(layer) if layer.kind is Kind.GROUPED else units
    return layer.taps * round_up(read, QUAD) // QUAD


def _sides(layer: IntegerLayer, source: TensorShape) -> tuple[int, int]:
    """Return the rows and columns of the padded input, which a transposed convolution spreads out."""
    (top, left, bottom, right), (rows, columns) = layer.padding, layer.kernel
    if layer.kind is not Kind.TRANSPOSED:
        return source.height + top + bottom, source.width + left + right
    height, width = (source.height - 1) * layer.stride[0] + 1, (source.width - 1) * layer.stride[1] + 1
    return height + 2 * (rows - 1) - top - bottom, width + 2 * (columns - 1) - left - right


class Vnni(Fast):
    """Layers of most kinds, with inputs by quads and rows by panels."""

    id = 6
    name = "vnni"
    alignment = LINE

    kinds = KINDS | {Kind.GROUPED, Kind.TRANSPOSED, Kind.MULTIPLY, Kind.PRELU, Kind.CONCAT}
    dilated = frozenset({Kind.CONV, Kind.DEPTHWISE, Kind.GROUPED})
    padded_pools = True
    broadcasts = True

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Refuse dilated convolutions of fewer than four units besides, and groups that do not read quads."""
        if layer.kind is Kind.GROUPED and _units(layer) % QUAD:
            return f"a grouped layer whose groups read {_units(layer)} units each, no multiple of {QUAD}"
        if layer.kind is Kind.CONV and layer.dilation != (1, 1) and sources[0].units < QUAD:
            return f"a dilated conv layer that reads fewer than {QUAD} units"
        return super().refusal(layer, sources)

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights as int8 [panels][quads][16 rows][4]; depthwise [quads][units][4].

        Each row of a depthwise kernel of 3 x 3 is a quad.
        """
        if layer.kind not in WEIGHTED:
            return b""
        if layer.kind is Kind.DEPTHWISE:
            taps = padded(layer.weights, 0, PANEL)
            if layer.kernel == (3, 3):
                taps = padded(taps.reshape(-1, 3, 3), 2, QUAD).reshape(len(taps), -1)
            taps = padded(taps, 1, QUAD)
            return taps.reshape(len(taps), -1, QUAD).transpose(1, 0, 2).tobytes()
        rows, units = len(layer.weights), _units(layer)
        block = min(units, QUAD)
        w = padded(layer.weights.reshape(rows, *layer.kernel, units), 3, block)
        w = w.reshape(rows, *layer.kernel, -1, block).transpose(0, 3, 1, 2, 4)
        w = padded(w.reshape(rows, -1, layer.kernel[1] * block), 2, QUAD)
        blocks = layer.groups if layer.kind is Kind.GROUPED else 1
        w = padded(w.reshape(blocks, rows // blocks, -1, QUAD), 1, PANEL)
        w = w.reshape(-1, *w.shape[2:])
        return w.reshape(-1, PANEL, w.shape[1], QUAD).transpose(0, 2, 1, 3).tobytes()

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return biases and multipliers as int32, and with weights the biases for inputs of x + 128."""
        bias = layer.table_biases(step)
        if layer.kind not in WEIGHTED:
            return table_bytes(bias, step.multiplier)
        sums = layer.subnet_weights(step).astype(np.int32).sum(axis=1)
        return table_bytes(bias, step.multiplier, bias - OFFSET * sums)

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of the padded input, of the offsets of quads, and of depthwise weights."""
        if layer.kind not in WEIGHTED:
            return 0
        quads = _quads(layer, step.units_in)
        height, width = _sides(layer, sources[0])
        if layer.kind is Kind.DEPTHWISE:
            copy = round_up(height * round_up(width, layer.stride[1]) * step.units_in, LINE) + LINE
            return LINE + round_up(16 * quads, LINE) + QUAD * LINE * quads + copy
        few = _units(layer) < QUAD
        units = _units(layer) if few else round_up(step.units_in, QUAD)
        width = round_up(width, 2) if few and layer.kind is not Kind.DENSE else width
        across = {Kind.DENSE: 0, Kind.TRANSPOSED: 1}.get(layer.kind, layer.stride[1])
        copy = round_up((height * width + (TILE - 1) * across) * units, LINE) + LINE
        return LINE + round_up(4 * quads, LINE) + 2 * copy
