"""Define the layout of the Helium kernels (Cortex-M55): groups of four rows by chunks of sixteen inputs.

The inputs of a convolution are those of its window, position by position. Any prefix of the rows, and of
the inputs at one position, reads contiguous chunks. Tables are canonical.
`targets/runtime/kernels/helium/helium.h` describes the same for C.
"""

from collections.abc import Sequence

from reds.pack.layouts.fast import KINDS, Fast
from reds.pack.model import IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded, round_up

CHUNK = 16
"""Inputs that one instruction multiplies and adds."""
GROUP = 4
"""Rows whose chunks are neighbors."""


def _tight(layer: IntegerLayer, units: int) -> bool:
    """Return whether windows are stored without padding between their positions."""
    return units < CHUNK and layer.taps > 1 and layer.dilation[1] == 1


class Helium(Fast):
    """Layers with weights, pools and additions."""

    id = 7
    name = "helium"
    alignment = 16
    kinds = KINDS - {Kind.FLATTEN}
    dilated = frozenset({Kind.CONV, Kind.DEPTHWISE})
    padded_pools = True

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights as int8 [groups of 4 rows][chunks][4 rows][16 inputs].

        Depthwise: [chunks of 16 units][taps][16 units].
        """
        if layer.kind is Kind.DEPTHWISE:
            units = padded(layer.weights, 0, CHUNK)
            return units.reshape(-1, CHUNK, layer.taps).transpose(0, 2, 1).tobytes()
        if layer.kind not in (Kind.DENSE, Kind.CONV):
            return b""
        rows, units = len(layer.weights), layer.weights.shape[1] // layer.taps
        runs = 1 if _tight(layer, units) else layer.taps
        w = padded(padded(layer.weights.reshape(rows, runs, -1), 2, CHUNK), 0, GROUP)
        return w.reshape(len(w) // GROUP, GROUP, -1, CHUNK).transpose(0, 2, 1, 3).tobytes()

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of the kernel's buffers.

        Convolution: a copy of the input, and two windows. Depthwise: likewise a copy, and weights that are
        repeated for positions which share a vector.
        """
        source, live = sources[0], step.units_in
        top, left, bottom, right = layer.padding
        width = source.width + left + right
        positions = (source.height + top + bottom) * width
        if layer.kind is Kind.DEPTHWISE:
            across = width - layer.dilation[1] * (layer.kernel[1] - 1)
            shared = live < CHUNK and CHUNK % live == 0 and layer.stride[1] == 1 and across * live >= CHUNK
            in_place = not any(layer.padding) and live % CHUNK == 0
            copied = 0 if in_place else round_up(positions * live + CHUNK, CHUNK)
            return copied + (CHUNK * layer.taps if shared else 0)
        if layer.kind is not Kind.CONV:
            return 0
        tight = _tight(layer, source.units)
        pitch = source.units if tight else live
        windows = 2 * round_up(layer.taps * source.units, CHUNK) if tight else 0
        return windows + (positions * pitch if any(layer.padding) or pitch != live else 0)
