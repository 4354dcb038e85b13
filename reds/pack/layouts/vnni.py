"""The layout of the x86 kernels: four inputs of sixteen rows to a vector, tables for inputs of x + 128.

The processor's byte products take unsigned times signed, so the kernels read x + 128, and every subnet's
biases are less 128 times the weights that it reads. `targets/runtime/kernels/x86/x86.h` is the other side.
"""

import numpy as np

from reds.pack.layouts.canonical import Canonical
from reds.pack.model import WEIGHTED, IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded, table_bytes, up

OFFSET = 128
"""What the kernels add to an input."""
PANEL = 16
"""Rows that stand together."""
QUAD = 4
"""Inputs, or taps, that one product sums."""
LINE = 64
"""Bytes: each part of the scratch begins at a multiple, and as many may be read past its end."""


def _units(layer: IntegerLayer) -> int:
    """Units that a dense layer or a convolution of the full net reads."""
    return int(layer.weights.shape[1]) // layer.taps


def _quads(layer: IntegerLayer, units: int) -> int:
    """Quads in a window of so many units."""
    if layer.kind is Kind.DEPTHWISE:
        return up(layer.taps, QUAD) // QUAD
    if _units(layer) < QUAD:
        return layer.kernel[0] * up(layer.kernel[1] * _units(layer), QUAD) // QUAD
    return layer.taps * up(units, QUAD) // QUAD


class Vnni(Canonical):
    """Every kind of layer. `id` 2."""

    id = 2
    name = "vnni"
    alignment = LINE

    def weights(self, layer: IntegerLayer) -> bytes:
        """int8: dense and convolution [panels][quads][16 rows][4], depthwise [quads][units][4]."""
        if layer.kind not in WEIGHTED:
            return b""
        if layer.kind is Kind.DEPTHWISE:
            taps = padded(padded(layer.weights, 0, PANEL), 1, QUAD)
            return taps.reshape(len(taps), -1, QUAD).transpose(1, 0, 2).tobytes()
        rows, units = len(layer.weights), _units(layer)
        block = min(units, QUAD)
        w = padded(layer.weights.reshape(rows, *layer.kernel, units), 3, block)
        w = w.reshape(rows, *layer.kernel, -1, block).transpose(0, 3, 1, 2, 4)
        w = padded(w.reshape(rows, -1, layer.kernel[1] * block), 2, QUAD)
        w = padded(w.reshape(rows, -1, QUAD), 0, PANEL)
        return w.reshape(-1, PANEL, w.shape[1], QUAD).transpose(0, 2, 1, 3).tobytes()

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """int32 little-endian; where there are weights, biases for inputs of x + 128."""
        bias = layer.biases(step)
        if layer.kind in WEIGHTED:
            bias = bias - OFFSET * layer.live(step).astype(np.int32).sum(axis=1)
        return table_bytes(bias, step.multiplier)

    def scratch(self, layer: IntegerLayer, source: TensorShape, step: Step) -> int:
        """The input with its padding, the offsets of a window's quads, and depthwise weights by lanes."""
        if layer.kind not in WEIGHTED:
            return 0
        quads = _quads(layer, step.units_in)
        top, left, bottom, right = layer.padding
        height, width = source.height + top + bottom, source.width + left + right
        if layer.kind is Kind.DEPTHWISE:
            parts = up(16 * quads, LINE) + QUAD * LINE * quads
            site, width = step.units_in, up(width, layer.stride[1])
        else:
            parts = up(4 * quads, LINE)
            site = _units(layer) if _units(layer) < QUAD else up(step.units_in, QUAD)
        return LINE + parts + height * width * site + LINE
