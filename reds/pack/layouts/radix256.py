"""The layout of the Cortex-M4's kernels: halfwords that multiply in pairs, a row of a table in one word.

A word holds four weights w0..w3 of one row as the halfwords (256*w1 + w0, 256*w3 + w2), so that one dual
multiply with (x1, x3) and one of the low bytes with (256*x0 - x1, 256*x2 - x3) give
256 * (w0*x0 + w1*x1 + w2*x2 + w3*x3). Rows stand in groups, inputs by four; any prefix of rows and inputs
reads contiguously, group by group. Four rows one of which may pass int32 with 256 * acc are plain: a kernel
takes their halfwords apart. Tables of layers with weights hold a row in one word (`reds.narrow`).
`targets/runtime/kernels/cortex_m4/cortex_m4.h` is the other side.
"""

import numpy as np
from numpy.typing import NDArray

from reds.pack.layouts.canonical import Canonical
from reds.pack.model import LIMIT, MULTIPLIER_STEP, WEIGHTED, IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded
from reds.pack.row_encoding import BIAS_SHIFTS, FAST_BIAS_SHIFTS, MULTIPLIER_SHIFTS, halves

PAIRED = frozenset({Kind.DENSE, Kind.CONV})
"""Kinds whose weights are words of four inputs."""


def _words(rows: NDArray[np.int32], group: int) -> bytes:
    """[rows, inputs] -> uint32 little-endian [groups of rows][inputs by four][rows of the group]."""
    w = padded(padded(rows, 0, group), 1, 4)
    w = w.reshape(w.shape[0] // group, group, w.shape[1] // 4, 4)
    low = (256 * w[..., 1] + w[..., 0]) & 0xFFFF
    high = (256 * w[..., 3] + w[..., 2]) & 0xFFFF
    words = (low | (high << 16)).astype(np.uint32).transpose(0, 2, 1)
    return np.ascontiguousarray(words).astype("<u4").tobytes()


class Radix256(Canonical):
    """Dense and convolution by words of four inputs; depthwise 3 x 3 by four units."""

    id = 1
    name = "radix256"
    alignment = 4

    def runs(self, layer: IntegerLayer) -> bool:
        """All but depthwise kernels other than 3 x 3."""
        return layer.kind is not Kind.DEPTHWISE or layer.kernel == (3, 3)

    def weights(self, layer: IntegerLayer) -> bytes:
        """Dense and convolution: words. Depthwise: int16 [groups of 4 units][9 taps][w0, w2, w1, w3]."""
        w = layer.weights.astype(np.int32)
        if layer.kind is Kind.DENSE:
            return _words(w, 4)
        if layer.kind is Kind.CONV:
            full = w.shape[1] // layer.taps
            if full % 4 == 0:  # four units of each tap, then the next four: fewer units are a prefix
                w = w.reshape(len(w), layer.taps, full // 4, 4).transpose(0, 2, 1, 3).reshape(len(w), -1)
            return _words(w, 2)
        units = padded(w, 0, 4)
        by_four = units.reshape(len(units) // 4, 4, layer.taps).transpose(0, 2, 1) if w.size else units
        return by_four[..., [0, 2, 1, 3]].astype("<i2").tobytes() if w.size else b""

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """With weights: uint8 shift of the biases, uint8 shift of the rounding, uint16 0, then for each row
        int16 bias and int16 multiplier, padded to four rows. Where weights are words the shifts are those of
        256 * bias and m / 256.
        """
        if layer.kind not in WEIGHTED:
            return super().table(layer, step)
        bias, shift = halves(step.bias, BIAS_SHIFTS)
        multiplier, scale = halves(step.multiplier, MULTIPLIER_SHIFTS)
        lifted = 8 if layer.kind in PAIRED else 0
        rows = padded(np.stack([bias, multiplier], axis=1), 0, 4).astype("<i2")
        return bytes([shift + lifted, 16 - scale + lifted, 0, 0]) + rows.tobytes()

    def plain(self, layer: IntegerLayer, step: Step) -> bytes:
        """Empty when every group is proven to fit, as for any fan-in up to about 500."""
        groups = self._plain(layer, step) if layer.kind in PAIRED else np.zeros(0)
        return groups.astype(np.uint8).tobytes() if groups.any() else b""

    def scratch(self, layer: IntegerLayer, source: TensorShape, step: Step) -> int:
        """Dense: the expanded input. Convolution: two windows, expanded and as bytes. Depthwise: lines."""
        if layer.kind is Kind.DENSE:
            return (step.units_in + 3) // 4 * 8
        if layer.kind is Kind.CONV:
            by_four = layer.taps * ((step.units_in + 3) // 4)
            return 24 * (by_four if source.units % 4 == 0 else (layer.taps * source.units + 3) // 4)
        if layer.kind is Kind.DEPTHWISE:
            line = (source.width + layer.padding[1] + layer.padding[3]) * step.units_in
            return 4 * ((line + 7) // 4 * 4) + (step.units_in + 3) // 4 * 4
        return 0

    def _plain(self, layer: IntegerLayer, step: Step) -> NDArray[np.bool_]:
        """[groups of 4] whether, in this subnet, 256 * acc of a row may pass int32 or the shift of the biases
        what the fast kernel takes.
        """
        reach = np.abs(layer.live(step).astype(np.int64)).sum(axis=1) * LIMIT
        reach = padded(reach + np.abs(step.bias.astype(np.int64)), 0, 4)
        _, shift = halves(step.bias, BIAS_SHIFTS)
        wide = (reach * MULTIPLIER_STEP >= 1 << 31) | (shift not in FAST_BIAS_SHIFTS)
        return np.asarray(wide.reshape(-1, 4).any(axis=1))
