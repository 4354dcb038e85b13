"""Define the layout of the aarch64 kernels: blocks of four rows by four inputs, the operand of one SDOT.

The blocks of sixteen rows for the same inputs are neighbors. The inputs of a convolution are those of its
window, position by position. Any prefix of the rows, and of the inputs at one position, reads contiguous
blocks. Depthwise weights are ordered by position. Tables are canonical.
`targets/runtime/kernels/neon/neon.h` describes the same for C.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reds.pack.layouts.fast import KINDS, Fast
from reds.pack.model import IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded, round_up

PANEL = 16
"""Rows whose blocks are neighbors."""
QUAD = 4
"""Rows, and inputs, of a block."""
LANES = 16
"""Values that the depthwise kernel computes at once."""
_IN_BLOCKS = (Kind.DENSE, Kind.CONV, Kind.GROUPED, Kind.TRANSPOSED)


def _tight(layer: IntegerLayer, units: int) -> bool:
    """Return whether the columns of a kernel row are stored without padding between them."""
    return units < QUAD and layer.dilation[1] == 1


def _panels(rows: NDArray[np.int8]) -> bytes:
    """Return rows of weights, [rows, multiple of 4], in blocks."""
    w = padded(rows, 0, QUAD)
    panels = (w[first : first + PANEL] for first in range(0, len(w), PANEL))
    return b"".join(p.reshape(len(p) // QUAD, QUAD, -1, QUAD).transpose(2, 0, 1, 3).tobytes() for p in panels)


class Neon(Fast):
    """Dense layers and convolutions in blocks of 4 x 4, depthwise layers by eight units."""

    id = 5
    name = "neon"
    alignment = 16
    kinds = KINDS | {
        Kind.GROUPED,
        Kind.TRANSPOSED,
        Kind.MULTIPLY,
        Kind.CONCAT,
        Kind.PRELU,
        Kind.ATTENTION,
        Kind.EMBED,
    }
    dilated = frozenset({Kind.CONV, Kind.DEPTHWISE, Kind.GROUPED})
    padded_pools = True
    broadcasts = True

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Refuse grouped layers besides whose groups read or write no multiple of four units."""
        if layer.kind is Kind.GROUPED:
            reads, writes = sources[0].units // layer.groups, len(layer.weights) // layer.groups
            if reads % QUAD or writes % QUAD:
                return f"a grouped layer whose groups read {reads} and write {writes} units, not by {QUAD}"
        return super().refusal(layer, sources)

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights as int8 [panels][quads][groups of 4 rows][4 rows][4 inputs].

        Grouped: likewise for each group. Depthwise: [taps][units, padded to a multiple of 8]. Embeddings are
        canonical.
        """
        if layer.kind is Kind.EMBED:
            return super().weights(layer)
        if layer.kind is Kind.DEPTHWISE:
            return padded(layer.weights.T, 1, 8).tobytes()
        if layer.kind not in _IN_BLOCKS:
            return b""
        rows, units = len(layer.weights), layer.weights.shape[1] // layer.taps
        if _tight(layer, units):
            w = layer.weights.reshape(rows, layer.kernel[0], -1)
        else:
            w = layer.weights.reshape(rows, layer.taps, units)
        groups = layer.groups if layer.kind is Kind.GROUPED else 1
        return b"".join(map(_panels, np.split(padded(w, 2, QUAD).reshape(rows, -1), groups)))

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of the kernel's buffers.

        Dense: the input, if its units are no multiple of four. Convolution: the padded input. Depthwise:
        likewise, and weights that are repeated for positions which share a vector.
        """
        if layer.kind is Kind.DENSE:
            return step.units_in + QUAD if step.units_in % QUAD else 0
        if layer.kind in _IN_BLOCKS:
            return self._copy(layer, sources[0], step.units_in)
        if layer.kind is Kind.DEPTHWISE:
            return self._depthwise(layer, sources[0], step.units_in)
        return super().scratch(layer, sources, step)

    @staticmethod
    def _depthwise(layer: IntegerLayer, source: TensorShape, live: int) -> int:
        top, left, bottom, right = layer.padding
        width = source.width + left + right
        copied = (source.height + top + bottom) * width * live + 8
        across = width - layer.dilation[1] * (layer.kernel[1] - 1)
        shared = 0 < live < LANES and LANES % live == 0 and layer.stride[1] == 1 and across * live >= LANES
        input_bytes = round_up(copied, 16) if any(layer.padding) or live < 8 else 0
        return input_bytes + (layer.taps * LANES if shared else 0)

    @staticmethod
    def _copy(layer: IntegerLayer, source: TensorShape, live: int) -> int:
        """Return the bytes of a convolution's copy of its input: 0 if the kernel reads it in place."""
        tight = _tight(layer, source.units)
        pitch = source.units if tight else round_up(live, QUAD)
        whole = not tight or layer.kernel[1] * pitch % QUAD == 0
        if layer.kind is not Kind.TRANSPOSED and not any(layer.padding) and pitch == live and whole:
            return 0
        top, left, bottom, right = layer.padding
        height, width = source.height + top + bottom, source.width + left + right
        if layer.kind is Kind.TRANSPOSED:  # spread out, with the rest of a window around it
            height = (source.height - 1) * layer.stride[0] + 2 * layer.kernel[0] - 1 - top - bottom
            width = (source.width - 1) * layer.stride[1] + 2 * layer.kernel[1] - 1 - left - right
        return height * width * pitch + QUAD
