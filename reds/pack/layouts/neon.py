"""Define the layout of the aarch64 kernels: blocks of four rows by four inputs, the operand of one SDOT.

The inputs of a convolution are those of its window, position by position. Any prefix of the rows, and of
the inputs at one position, reads contiguous blocks. Depthwise weights are ordered by position. Tables are
canonical. `targets/runtime/kernels/neon/neon.h` describes the same for C.
"""

from collections.abc import Sequence

from reds.pack.layouts.fast import Fast
from reds.pack.model import IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded, round_up

WINDOWS = 4
"""Windows that the convolution gathers side by side."""


class Neon(Fast):
    """Dense layers and convolutions in blocks of 4 x 4, depthwise layers by eight units."""

    id = 3
    name = "neon"
    alignment = 16

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights as int8 [rows / 4][inputs / 4][4 rows][4 inputs].

        Depthwise: [taps][units, padded to a multiple of 8].
        """
        if layer.kind is Kind.DEPTHWISE:
            return padded(layer.weights.T, 1, 8).tobytes()
        w = padded(padded(layer.weights, 0, 4), 1, 4)
        return w.reshape(w.shape[0] // 4, 4, w.shape[1] // 4, 4).transpose(0, 2, 1, 3).tobytes()

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of the kernel's buffers.

        Dense: the input, if its units are no multiple of four. Convolution: four windows. Depthwise: lines.
        """
        if layer.kind is Kind.DENSE:
            return step.units_in + 16 if step.units_in % 4 else 0
        if layer.kind is Kind.CONV:
            full = sources[0].units
            units = full if full % 4 else round_up(step.units_in, 4)
            return WINDOWS * round_up(layer.taps * units + 12, 16)
        if layer.kind is Kind.DEPTHWISE:
            line = (sources[0].width + layer.padding[1] + layer.padding[3]) * step.units_in + 8
            return (layer.kernel[0] + 1) * line
        return 0
