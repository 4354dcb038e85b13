"""How a device wants a layer's weights and tables laid out: one small class a layout.

The file on the host holds the canonical layout; deploying writes the one the agent asks for. A layout
changes the order of bytes, never a result.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reds.model import FACTORED, LIMIT, MULTIPLIER_STEP, Kind, Layer, Model, Step


class Layout(Protocol):
    """Writes what a kernel family reads."""

    id: int
    name: str

    def runs(self, layer: Layer) -> bool:
        """Whether the kernels of this layout run this layer."""
        ...

    def weights(self, layer: Layer) -> bytes:
        """All the layer's weights, once for all subnets."""
        ...

    def table(self, layer: Layer, step: Step) -> bytes:
        """Biases, then multipliers, of one subnet; each padded to four entries.

        Factors, where a layer has them, are the second and third entry of its biases.
        """
        ...

    def plain(self, layer: Layer, step: Step) -> bytes:
        """One byte for each four rows, not 0 where the kernel must take its plain path; empty: none."""
        ...

    def scratch(self, layer: Layer, step: Step) -> int:
        """Bytes of arena the kernel needs beside the layer's tensors."""
        ...


def _fours(values: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.pad(values, (0, -len(values) % 4))


class Canonical:
    """Row by row, as the model holds them. What files hold and the portable kernels read."""

    id = 0
    name = "canonical"

    def runs(self, layer: Layer) -> bool:
        """Every one."""
        return True

    def weights(self, layer: Layer) -> bytes:
        """int8 [units_out, fan_in]."""
        return layer.weights.tobytes()

    def table(self, layer: Layer, step: Step) -> bytes:
        """int32 little-endian."""
        bias = step.bias
        if layer.kind in FACTORED:
            bias = np.array([*step.bias, *step.factors], np.int32)
        return b"".join(_fours(v).astype("<i4").tobytes() for v in (bias, step.multiplier))

    def plain(self, layer: Layer, step: Step) -> bytes:
        """No row is special."""
        return b""

    def scratch(self, layer: Layer, step: Step) -> int:
        """None."""
        return 0


class Radix256:
    """For kernels that multiply halfwords in pairs: four rows interleaved by four inputs.

    A word holds the weights w0..w3 of one row as the halfwords (256*w1 + w0, 256*w3 + w2), so that one
    dual multiply with (x1, x3) and one of the low bytes with (256*x0 - x1, 256*x2 - x3) give
    256 * (w0*x0 + w1*x1 + w2*x2 + w3*x3). Any prefix of rows and inputs reads contiguously, group by
    group. Tables hold 256 * bias and m / 256; a group with a row whose 256 * acc may pass int32 is
    plain: bias and m as they are, and a kernel that takes the halfwords apart.
    """

    id = 1
    name = "radix256"

    def runs(self, layer: Layer) -> bool:
        """Dense layers."""
        return layer.kind is Kind.DENSE

    def weights(self, layer: Layer) -> bytes:
        """uint32 little-endian [groups of 4 rows][groups of 4 inputs][4 rows]."""
        rows, fan_in = layer.weights.shape
        w = np.pad(layer.weights.astype(np.int32), ((0, -rows % 4), (0, -fan_in % 4)))
        w = w.reshape(w.shape[0] // 4, 4, w.shape[1] // 4, 4)
        low = (256 * w[..., 1] + w[..., 0]) & 0xFFFF
        high = (256 * w[..., 3] + w[..., 2]) & 0xFFFF
        words = (low | (high << 16)).astype(np.uint32).transpose(0, 2, 1)
        return np.ascontiguousarray(words).astype("<u4").tobytes()

    def table(self, layer: Layer, step: Step) -> bytes:
        """int32 little-endian, scaled by 256 in groups that are not plain."""
        bias, multiplier = _fours(step.bias).astype(np.int64), _fours(step.multiplier).astype(np.int64)
        scaled = ~np.repeat(self._plain(layer, step), 4)
        bias = np.where(scaled, bias * MULTIPLIER_STEP, bias)
        multiplier = np.where(scaled, multiplier // MULTIPLIER_STEP, multiplier)
        return b"".join(v.astype("<i4").tobytes() for v in (bias, multiplier))

    def plain(self, layer: Layer, step: Step) -> bytes:
        """Empty when every group is proven to fit, as for any fan-in up to about 500."""
        groups = self._plain(layer, step)
        return groups.astype(np.uint8).tobytes() if groups.any() else b""

    def scratch(self, layer: Layer, step: Step) -> int:
        """The expanded input: two words for four inputs."""
        return (step.units_in + 3) // 4 * 8

    def _plain(self, layer: Layer, step: Step) -> NDArray[np.bool_]:
        """[groups] whether 256 * acc of a row in the group may pass int32 in this subnet."""
        weights = layer.weights[: step.units_out, : step.units_in].astype(np.int64)
        reach = np.abs(weights).sum(axis=1) * LIMIT + np.abs(step.bias.astype(np.int64))
        reach = np.pad(reach, (0, -len(reach) % 4))
        return np.asarray((reach * MULTIPLIER_STEP >= 1 << 31).reshape(-1, 4).any(axis=1))


CANONICAL = Canonical()
LAYOUTS: dict[int, Layout] = {layout.id: layout for layout in (CANONICAL, Radix256())}


def best(model: Model, ids: Iterable[int]) -> Layout | None:
    """The layout of the highest id among `ids` whose kernels run every layer of the model, if any."""
    able = [i for i in ids if i in LAYOUTS and all(LAYOUTS[i].runs(layer) for layer in model.layers)]
    return LAYOUTS[max(able)] if able else None
