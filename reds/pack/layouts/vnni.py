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
    return layer.taps * round_up(units, QUAD) // QUAD


class Vnni(Fast):
    """Layers of most kinds, with inputs by quads and rows by panels."""

    id = 6
    name = "vnni"
    alignment = LINE

    kinds = KINDS | {Kind.MULTIPLY, Kind.PRELU, Kind.CONCAT}
    dilated = frozenset({Kind.CONV, Kind.DEPTHWISE})
    padded_pools = True
    broadcasts = True

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Refuse dilated convolutions of fewer than four units besides."""
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
        w = padded(w.reshape(rows, -1, QUAD), 0, PANEL)
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
        top, left, bottom, right = layer.padding
        height, width = sources[0].height + top + bottom, sources[0].width + left + right
        if layer.kind is Kind.DEPTHWISE:
            parts, planes = round_up(16 * quads, LINE) + QUAD * LINE * quads, 1
            units, width = step.units_in, round_up(width, layer.stride[1])
        else:
            parts, planes = round_up(4 * quads, LINE), 2
            few = _units(layer) < QUAD
            units = _units(layer) if few else round_up(step.units_in, QUAD)
            width = round_up(width, 2) if few and layer.kind is not Kind.DENSE else width
        return LINE + parts + planes * (round_up(height * width * units, LINE) + LINE)
