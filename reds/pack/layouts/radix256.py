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

from reds.pack.layouts import m4_depthwise
from reds.pack.layouts.fast import Fast
from reds.pack.model import LIMIT, MULTIPLIER_STEP, WEIGHTED, IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded, round_up
from reds.pack.row_encoding import BIAS_SHIFTS, FAST_BIAS_SHIFTS, MULTIPLIER_SHIFTS, encode

PAIRED = frozenset({Kind.DENSE, Kind.CONV})
"""Kinds whose weights are stored in words of four inputs."""
EVERY = frozenset(
    {Kind.AVERAGE_POOL, Kind.MAX_POOL, Kind.ADD, Kind.FLATTEN, Kind.UPSAMPLE, Kind.MULTIPLY, Kind.CONCAT,
     Kind.PRELU, Kind.LAYER_NORM, Kind.ATTENTION, Kind.EMBED, Kind.TRANSPOSE, Kind.RESHAPE}
)  # fmt: skip
"""Kinds of which the kernels run every layer."""
POOLED_AT_ONCE = 4
"""Values of a window that a max pool compares without a line of scratch, if no window has padding."""


LARGEST_OUTPUT = (1 << 15) - 256
"""Outputs without zero point, before they are clamped, are less where the kernels narrow them to 16 bits."""
FLAT = 4
"""With fewer units in, a convolution's rows are cut into words across positions."""
WORDS = 8
"""Most words of a row for the kernel that keeps four rows of weights in registers."""
BLOCK = 8
"""Windows that are gathered for that kernel at a time, at least."""


def _words(rows: NDArray[np.int32]) -> bytes:
    """Return int32 [rows, inputs] as uint32, little-endian, [rows / 4][inputs / 4][4 rows]."""
    w = padded(padded(rows, 0, 4), 1, 4)
    w = w.reshape(w.shape[0] // 4, 4, w.shape[1] // 4, 4)
    low = (256 * w[..., 1] + w[..., 0]) & 0xFFFF
    high = (256 * w[..., 3] + w[..., 2]) & 0xFFFF
    words = (low | (high << 16)).astype(np.uint32).transpose(0, 2, 1)
    return np.ascontiguousarray(words).astype("<u4").tobytes()


def _conv_scratch(layer: IntegerLayer, source: TensorShape, units_in: int) -> int:
    """Return the bytes of lines, and of the buffers of any kernel that may run the layer."""
    groups = -(-len(layer.weights) // 4)
    flat, windows = source.units < FLAT and layer.taps > 1, layer.taps > 1
    if flat:
        pitch, quads = source.units, -(-layer.taps * source.units // 4)
    else:
        pitch, quads = round_up(units_in, 4) if windows else units_in, layer.taps * -(-units_in // 4)
    pairs = 16 * quads + 72 * groups + (4 * quads + 4 if flat else 0)
    in_place = not windows and layer.stride == (1, 1) and units_in % 4 == 0
    needed = _lines(layer, source, units_in, pitch) + max(pairs, _at_rest(quads, groups, in_place))
    tight = -(-layer.taps * units_in // 4)  # words of units without gaps
    worthwhile = windows and not flat and 8 * (quads - tight) >= quads
    if worthwhile and tight <= WORDS:
        at_rest = _at_rest(tight, groups, False)
        needed = max(needed, _lines(layer, source, units_in, units_in) + at_rest)
    return 4 * layer.kernel[0] + needed


def _lines(layer: IntegerLayer, source: TensorShape, units_in: int, pitch: int) -> int:
    """Return the bytes of copied lines, whose positions take `pitch` bytes."""
    padding = any(layer.padding)
    if not padding and (layer.taps == 1 or (source.units >= FLAT and units_in % 4 == 0)):
        return 0
    positions = source.width + layer.padding[1] + layer.padding[3]
    return (min(layer.span[0], source.height) + padding) * ((positions * pitch + 7) // 4 * 4)


def _at_rest(quads: int, groups: int, in_place: bool) -> int:
    """Return the bytes of weights of all groups, or of one, and of windows; 0 if no such kernel may run.

    Args:
        quads: Words of four inputs in a window.
        groups: Groups of four rows.
        in_place: Whether the tensor is its windows.
    """
    if quads > WORDS:
        return 0
    gathered, streams = (4, 1) if in_place else (BLOCK, groups)
    return (16 * quads + 32) * streams + 4 * quads * gathered + 4


class Radix256(Fast):
    """Dense layers and convolutions in words of four inputs, depthwise layers in the canonical order."""

    id = 4
    name = "radix256"
    alignment = 4
    dilated = frozenset({Kind.CONV})

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Refuse what `Fast` refuses, but no layer of `EVERY` and only the very largest depthwise layers."""
        if layer.kind in EVERY:
            return ""
        if m4_depthwise.is_depthwise(layer, sources):
            size = m4_depthwise.scratch(layer, sources, 0)
            return "" if size <= m4_depthwise.STRIP_LIMIT else f"a depthwise layer of {size} bytes of scratch"
        if layer.kind is Kind.GROUPED:
            return "a grouped layer whose blocks read several units"
        return super().refusal(layer, sources)

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights of dense layers and convolutions as words, and others in the canonical order."""
        w = layer.weights.astype(np.int32)
        if layer.kind in PAIRED:
            full = w.shape[1] // layer.taps
            if full >= FLAT:  # four units of each tap, then the next four: fewer units are a prefix
                w = padded(w.reshape(len(w), layer.taps, full), 2, 4)
                w = w.reshape(len(w), layer.taps, -1, 4).transpose(0, 2, 1, 3).reshape(len(w), -1)
            return _words(w)
        return super().weights(layer)

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

        Dense: the expanded input. Convolution: lines, and what its kernels need beside. Depthwise: lines.
        """
        if layer.kind is Kind.DENSE:
            return (step.units_in + 3) // 4 * 8
        if layer.kind is Kind.CONV:
            return _conv_scratch(layer, sources[0], step.units_in)
        if m4_depthwise.is_depthwise(layer, sources):
            return m4_depthwise.scratch(layer, sources, step.units_in)
        if layer.kind is Kind.MAX_POOL and (any(layer.padding) or layer.taps > POOLED_AT_ONCE):
            return sources[0].width * step.units_in
        return super().scratch(layer, sources, step)

    def _plain(self, layer: IntegerLayer, step: Step) -> NDArray[np.bool_]:
        """Return for every four rows whether the fast kernel cannot compute them in this subnet.

        Either 256 * acc of a row may exceed int32, or the biases have too large a shift, or the output of a
        convolution may leave 16 bits before it is clamped.
        """
        reach = np.abs(layer.subnet_weights(step).astype(np.int64)).sum(axis=1) * LIMIT
        reach = padded(reach + np.abs(step.bias.astype(np.int64)), 0, 4)
        _, shift = encode(step.bias, BIAS_SHIFTS)
        wide = (reach * MULTIPLIER_STEP >= 1 << 31) | (shift not in FAST_BIAS_SHIFTS)
        if layer.kind is Kind.CONV:
            multiplier = padded(np.abs(step.multiplier.astype(np.int64)), 0, 4)
            wide |= reach * multiplier >= LARGEST_OUTPUT << 32
        return np.asarray(wide.reshape(-1, 4).any(axis=1))
