"""The layout of the x86 kernels: four inputs of sixteen rows to a vector, tables for inputs of x + 128.

The processor's byte products take unsigned times signed, so the kernels read x + 128, and every subnet's
biases are less 128 times the weights that it reads. `targets/runtime/kernels/x86/x86.h` is the other side.
"""

import numpy as np
from numpy.typing import NDArray

from reds.model import WEIGHTED, Kind, Layer, Step, Tensor

OFFSET = 128
"""What the kernels add to an input."""
PANEL = 16
"""Rows that stand together."""
QUAD = 4
"""Inputs, or taps, that one product sums."""
LINE = 64
"""Bytes: each part of the scratch begins at a multiple, and as many may be read past its end."""


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def _padded(values: NDArray[np.int8], axis: int, multiple: int) -> NDArray[np.int8]:
    """Zeros at the end of an axis, up to a multiple."""
    sides = [(0, -n % multiple if i == axis else 0) for i, n in enumerate(values.shape)]
    return np.pad(values, sides)


def _units(layer: Layer) -> int:
    """Units that a dense layer or a convolution of the full net reads."""
    return int(layer.weights.shape[1]) // layer.taps


def _quads(layer: Layer, units: int) -> int:
    """Quads in a window of so many units."""
    if layer.kind is Kind.DEPTHWISE:
        return _up(layer.taps, QUAD) // QUAD
    if _units(layer) < QUAD:
        return layer.kernel[0] * _up(layer.kernel[1] * _units(layer), QUAD) // QUAD
    return layer.taps * _up(units, QUAD) // QUAD


class Vnni:
    """Every kind of layer. `id` 2."""

    id = 2
    name = "vnni"
    alignment = LINE

    def runs(self, layer: Layer) -> bool:
        """Every one."""
        return True

    def weights(self, layer: Layer) -> bytes:
        """int8: dense and convolution [panels][quads][16 rows][4], depthwise [quads][units][4]."""
        if layer.kind not in WEIGHTED:
            return b""
        if layer.kind is Kind.DEPTHWISE:
            taps = _padded(_padded(layer.weights, 0, PANEL), 1, QUAD)
            return taps.reshape(len(taps), -1, QUAD).transpose(1, 0, 2).tobytes()
        rows, units = len(layer.weights), _units(layer)
        block = min(units, QUAD)
        w = _padded(layer.weights.reshape(rows, *layer.kernel, units), 3, block)
        w = w.reshape(rows, *layer.kernel, -1, block).transpose(0, 3, 1, 2, 4)
        w = _padded(w.reshape(rows, -1, layer.kernel[1] * block), 2, QUAD)
        w = _padded(w.reshape(rows, -1, QUAD), 0, PANEL)
        return w.reshape(-1, PANEL, w.shape[1], QUAD).transpose(0, 2, 1, 3).tobytes()

    def table(self, layer: Layer, step: Step) -> bytes:
        """int32 little-endian; where there are weights, biases for inputs of x + 128."""
        bias = layer.biases(step)
        if layer.kind in WEIGHTED:
            fan_in = 1 if layer.kind is Kind.DEPTHWISE else step.units_in
            read = layer.weights[: step.units_out].reshape(step.units_out, layer.taps, -1)[..., :fan_in]
            bias = bias - OFFSET * read.astype(np.int32).sum(axis=(1, 2))
        both = (np.pad(values, (0, -len(values) % 4)) for values in (bias, step.multiplier))
        return b"".join(values.astype("<i4").tobytes() for values in both)

    def plain(self, layer: Layer, step: Step) -> bytes:
        """No row is special."""
        return b""

    def scratch(self, layer: Layer, source: Tensor, step: Step) -> int:
        """The input with its padding, the offsets of a window's quads, and depthwise weights by lanes."""
        if layer.kind not in WEIGHTED:
            return 0
        quads = _quads(layer, step.units_in)
        top, left, bottom, right = layer.padding
        height, width = source.height + top + bottom, source.width + left + right
        if layer.kind is Kind.DEPTHWISE:
            parts = _up(16 * quads, LINE) + QUAD * LINE * quads
            site, width = step.units_in, _up(width, layer.stride[1])
        else:
            parts = _up(4 * quads, LINE)
            site = _units(layer) if _units(layer) < QUAD else _up(step.units_in, QUAD)
        return LINE + parts + height * width * site + LINE
