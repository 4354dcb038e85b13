"""The layout of the aarch64 kernels: blocks of four rows by four inputs, which SDOT takes whole.

A convolution's inputs are those of its window, tap by tap; any prefix of rows and of a tap's inputs reads
contiguous blocks. Depthwise weights stand tap by tap. Tables are the model's own.
`targets/runtime/kernels/neon/neon.h` is the other side.
"""

import numpy as np
from numpy.typing import NDArray

from reds.model import Kind, Layer, Step, Tensor

SITES = 4
"""Windows that are gathered side by side."""


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def _padded(w: NDArray[np.int8], rows: int, columns: int) -> NDArray[np.int8]:
    """Zeros after the last row and column, up to multiples."""
    return np.pad(w, ((0, -w.shape[0] % rows), (0, -w.shape[1] % columns)))


class Neon:
    """Dense and convolution by blocks of 4 x 4; depthwise by eight units."""

    id = 3
    name = "neon"
    alignment = 16

    def runs(self, layer: Layer) -> bool:
        """Every one."""
        return True

    def weights(self, layer: Layer) -> bytes:
        """int8 [groups of 4 rows][inputs by 4][4 rows][4 inputs]; depthwise [taps][units padded to 8]."""
        if layer.kind is Kind.DEPTHWISE:
            return _padded(layer.weights.T, 1, 8).tobytes()
        w = _padded(layer.weights, 4, 4)
        return w.reshape(w.shape[0] // 4, 4, w.shape[1] // 4, 4).transpose(0, 2, 1, 3).tobytes()

    def table(self, layer: Layer, step: Step) -> bytes:
        """int32 little-endian."""
        both = layer.biases(step), step.multiplier
        return b"".join(np.pad(v, (0, -len(v) % 4)).astype("<i4").tobytes() for v in both)

    def plain(self, layer: Layer, step: Step) -> bytes:
        """No row is special."""
        return b""

    def scratch(self, layer: Layer, source: Tensor, step: Step) -> int:
        """Dense: an input whose last quad is not whole. Convolution: four windows. Depthwise: lines."""
        if layer.kind is Kind.DENSE:
            return step.units_in + 16 if step.units_in % 4 else 0
        if layer.kind is Kind.CONV:
            site = source.units if source.units % 4 else _up(step.units_in, 4)
            return SITES * _up(layer.taps * site + 12, 16)
        if layer.kind is Kind.DEPTHWISE:
            line = (source.width + layer.padding[1] + layer.padding[3]) * step.units_in + 8
            return (layer.kernel[0] + 1) * line
        return 0
