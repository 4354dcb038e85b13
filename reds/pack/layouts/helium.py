"""Define the layout of the Helium kernels (Cortex-M55): groups of four rows by chunks of sixteen inputs.

The inputs of a convolution are those of its window, position by position. Any prefix of the rows, and of
the inputs at one position, reads contiguous chunks. Tables are canonical.
`targets/runtime/kernels/helium/helium.h` describes the same for C.
"""

from collections.abc import Sequence

from reds.pack.layouts.fast import Fast
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
        runs = 1 if _tight(layer, units) else layer.taps
        w = padded(padded(layer.weights.reshape(rows, runs, -1), 2, CHUNK), 0, GROUP)
        return w.reshape(len(w) // GROUP, GROUP, -1, CHUNK).transpose(0, 2, 1, 3).tobytes()

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of a convolution's buffers: a copy of its input, and two windows."""
        if layer.kind is not Kind.CONV:
            return 0
        source, tight = sources[0], _tight(layer, sources[0].units)
        pitch = source.units if tight else step.units_in
        windows = 2 * round_up(layer.taps * source.units, CHUNK) if tight else 0
        if not any(layer.padding) and pitch == step.units_in:
            return windows
        top, left, bottom, right = layer.padding
        return (source.height + top + bottom) * (source.width + left + right) * pitch + windows
