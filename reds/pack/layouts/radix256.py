"""Define the layout of the Cortex-M4 kernels: 16-bit pairs for dual multiplies, and one-word table rows.

A word holds four weights w0 to w3 of one row as the halfwords (256*w1 + w0, 256*w3 + w2). One dual multiply
of the word with (x1, x3), and one of its low bytes with (256*x0 - x1, 256*x2 - x3), together give
256 * (w0*x0 + w1*x1 + w2*x2 + w3*x3). Rows are grouped, and inputs are ordered by four, so that any prefix of
rows and inputs reads contiguously, group by group.

Four rows are plain if 256 * acc of one of them may exceed int32: the kernel then unpacks their halfwords.
Tables of layers with weights hold a row in one word (`reds.pack.row_encoding`).
`targets/runtime/kernels/cortex_m4/cortex_m4.h` describes the same for C.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.pack.layouts.fast import Fast
from reds.pack.model import LIMIT, MULTIPLIER_STEP, WEIGHTED, IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded
from reds.pack.row_encoding import BIAS_SHIFTS, FAST_BIAS_SHIFTS, MULTIPLIER_SHIFTS, encode

PAIRED = frozenset({Kind.DENSE, Kind.CONV})
"""Kinds whose weights are stored in words of four inputs."""


TAPS = 9
"""Taps of the depthwise kernel: 3 x 3 in a picture, up to nine in a line."""


def _line(layer: IntegerLayer, source: TensorShape) -> bool:
    """Return whether windows of up to nine taps slide along the only row or the only column of the input."""
    column = source.width == 1 and layer.kernel[1] == 1
    row = source.height == 1 and layer.kernel[0] == 1
    return (column or row) and layer.taps <= TAPS


def _words(rows: NDArray[np.int32], group: int) -> bytes:
    """Return int32 [rows, inputs] as uint32, little-endian, [rows / group][inputs / 4][group rows]."""
    w = padded(padded(rows, 0, group), 1, 4)
    w = w.reshape(w.shape[0] // group, group, w.shape[1] // 4, 4)
    low = (256 * w[..., 1] + w[..., 0]) & 0xFFFF
    high = (256 * w[..., 3] + w[..., 2]) & 0xFFFF
    words = (low | (high << 16)).astype(np.uint32).transpose(0, 2, 1)
    return np.ascontiguousarray(words).astype("<u4").tobytes()


class Radix256(Fast):
    """Dense layers and convolutions in words of four inputs, depthwise layers of nine taps by four units."""

    id = 1
    name = "radix256"
    alignment = 4
    dilated = frozenset({Kind.CONV})

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Refuse what `Fast` refuses except an attention, and depthwise kernels but 3 x 3 or a line."""
        if layer.kind is Kind.ATTENTION:
            return ""
        if layer.kind is Kind.DEPTHWISE and layer.kernel != (3, 3) and not _line(layer, sources[0]):
            return f"a depthwise layer with a kernel of {layer.kernel[0]}x{layer.kernel[1]}"
        return super().refusal(layer, sources)

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights as words; depthwise as int16 [units / 4][9 taps][w0, w2, w1, w3]."""
        w = layer.weights.astype(np.int32)
        if layer.kind is Kind.DENSE:
            return _words(w, 4)
        if layer.kind is Kind.CONV:
            full = w.shape[1] // layer.taps
            if full % 4 == 0:  # four units of each tap, then the next four: fewer units are a prefix
                w = w.reshape(len(w), layer.taps, full // 4, 4).transpose(0, 2, 1, 3).reshape(len(w), -1)
            return _words(w, 2)
        units = padded(padded(w, 0, 4), 1, TAPS) if w.size else w
        by_four = units.reshape(len(units) // 4, 4, TAPS).transpose(0, 2, 1) if w.size else units
        return by_four[..., [0, 2, 1, 3]].astype("<i2").tobytes() if w.size else b""

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return a subnet's table, in one word for each row if the layer has weights.

        It begins with the shift of the biases (uint8), the shift of the rounding (uint8) and 0 (uint16). An
        int16 bias and an int16 multiplier for each row follow, padded to four rows. If weights are words, the
        shifts are those of 256 * bias and multiplier / 256.
        """
        if layer.kind not in WEIGHTED:
            return super().table(layer, step)
        bias, shift = encode(step.bias, BIAS_SHIFTS)
        multiplier, scale = encode(step.multiplier, MULTIPLIER_SHIFTS)
        lifted = 8 if layer.kind in PAIRED else 0
        rows = padded(np.stack([bias, multiplier], axis=1), 0, 4).astype("<i2")
        return bytes([shift + lifted, 16 - scale + lifted, 0, 0]) + rows.tobytes()

    def plain(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return the plain groups of four rows; empty if all fit, as is proven to a fan-in of about 500."""
        groups = self._plain(layer, step) if layer.kind in PAIRED else np.zeros(0)
        return groups.astype(np.uint8).tobytes() if groups.any() else b""

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of the kernel's buffers.

        Dense: the expanded input. Convolution: two windows, expanded and as bytes. Depthwise: lines.
        """
        if layer.kind is Kind.DENSE:
            return (step.units_in + 3) // 4 * 8
        if layer.kind is Kind.CONV:
            full, by_four = sources[0].units, layer.taps * ((step.units_in + 3) // 4)
            return 24 * (by_four if full % 4 == 0 else (layer.taps * full + 3) // 4)
        if layer.kind is Kind.DEPTHWISE:
            positions, lines = sources[0].width + layer.padding[1] + layer.padding[3], 4
            if layer.kernel != (3, 3):
                positions, lines = sources[0].positions + sum(layer.padding) + TAPS - layer.taps, 1
            return lines * ((positions * step.units_in + 7) // 4 * 4) + (step.units_in + 3) // 4 * 4
        return super().scratch(layer, sources, step)

    def _plain(self, layer: IntegerLayer, step: Step) -> NDArray[np.bool_]:
        """Return for every four rows whether the fast kernel cannot compute them in this subnet.

        Either 256 * acc of a row may exceed int32, or the biases have too large a shift.
        """
        reach = np.abs(layer.subnet_weights(step).astype(np.int64)).sum(axis=1) * LIMIT
        reach = padded(reach + np.abs(step.bias.astype(np.int64)), 0, 4)
        _, shift = encode(step.bias, BIAS_SHIFTS)
        wide = (reach * MULTIPLIER_STEP >= 1 << 31) | (shift not in FAST_BIAS_SHIFTS)
        return np.asarray(wide.reshape(-1, 4).any(axis=1))
