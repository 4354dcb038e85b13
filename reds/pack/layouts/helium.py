"""Define the layout of the Helium kernels (Cortex-M55): groups of four rows by chunks of sixteen inputs.

The inputs of a convolution are those of its window, position by position. Any prefix of the rows, and of the
inputs at one position, reads contiguous chunks. Depthwise weights are ordered by position. Tables are canonical.
`targets/runtime/kernels/helium/helium.h` describes the same for C.
"""

from collections.abc import Sequence

from reds.pack.layouts.fast import Fast
from reds.pack.model import IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded

CHUNK = 16
"""Inputs that one instruction multiplies and adds."""
GROUP = 4
"""Rows whose chunks are neighbors."""


def _tight(layer: IntegerLayer, units: int) -> bool:
    """Return whether the columns of a kernel row are stored without padding between them."""
    return units < CHUNK and layer.kernel[1] > 1 and layer.dilation[1] == 1


class Helium(Fast):
    """Dense layers and convolutions."""

    id = 7
    name = "helium"
    alignment = 16
    kinds = frozenset({Kind.DENSE, Kind.CONV})
    dilated = frozenset({Kind.CONV})

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights as int8 [groups of 4 rows][chunks][4 rows][16 inputs]."""
        if layer.kind not in (Kind.DENSE, Kind.CONV):
            return b""
        rows, units = len(layer.weights), layer.weights.shape[1] // layer.taps
        runs = layer.kernel[0] if _tight(layer, units) else layer.taps
        w = padded(padded(layer.weights.reshape(rows, runs, -1), 2, CHUNK), 0, GROUP)
        return w.reshape(len(w) // GROUP, GROUP, -1, CHUNK).transpose(0, 2, 1, 3).tobytes()

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of the copy of a convolution's input: 0 if the kernel reads it in place."""
        if layer.kind is not Kind.CONV:
            return 0
        source, live = sources[0], step.units_in
        spread = _tight(layer, source.units) and live < source.units
        if not any(layer.padding) and not spread:
            return 0
        top, left, bottom, right = layer.padding
        size = (source.height + top + bottom) * (source.width + left + right)
        return size * (source.units if spread else live)
