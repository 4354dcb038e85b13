"""The layout of the aarch64 kernels: blocks of four rows by four inputs, which SDOT takes whole.

A convolution's inputs are those of its window, tap by tap; any prefix of rows and of a tap's inputs reads
contiguous blocks. Depthwise weights stand tap by tap. Tables are the model's own.
`targets/runtime/kernels/neon/neon.h` is the other side.
"""

from reds.pack.layouts.canonical import Canonical
from reds.pack.model import IntegerLayer, Kind, Step, TensorShape
from reds.pack.padding import padded, up

SITES = 4
"""Windows that are gathered side by side."""


class Neon(Canonical):
    """Dense and convolution by blocks of 4 x 4; depthwise by eight units."""

    id = 3
    name = "neon"
    alignment = 16

    def weights(self, layer: IntegerLayer) -> bytes:
        """int8 [groups of 4 rows][inputs by 4][4 rows][4 inputs]; depthwise [taps][units padded to 8]."""
        if layer.kind is Kind.DEPTHWISE:
            return padded(layer.weights.T, 1, 8).tobytes()
        w = padded(padded(layer.weights, 0, 4), 1, 4)
        return w.reshape(w.shape[0] // 4, 4, w.shape[1] // 4, 4).transpose(0, 2, 1, 3).tobytes()

    def scratch(self, layer: IntegerLayer, source: TensorShape, step: Step) -> int:
        """Dense: an input whose last quad is not whole. Convolution: four windows. Depthwise: lines."""
        if layer.kind is Kind.DENSE:
            return step.units_in + 16 if step.units_in % 4 else 0
        if layer.kind is Kind.CONV:
            site = source.units if source.units % 4 else up(step.units_in, 4)
            return SITES * up(layer.taps * site + 12, 16)
        if layer.kind is Kind.DEPTHWISE:
            line = (source.width + layer.padding[1] + layer.padding[3]) * step.units_in + 8
            return (layer.kernel[0] + 1) * line
        return 0
