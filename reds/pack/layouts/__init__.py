"""How a device wants a layer's weights and tables laid out: one small class a layout.

The file on the host holds the canonical layout; deploying writes the one the agent asks for. A layout
changes the order of bytes, never a result.
"""

from collections.abc import Iterable
from typing import Protocol

from reds.pack import arena
from reds.pack.arena import Arena
from reds.pack.layouts.canonical import Canonical
from reds.pack.layouts.neon import Neon
from reds.pack.layouts.radix256 import Radix256
from reds.pack.layouts.vnni import Vnni
from reds.pack.model import IntegerLayer, Model, Step, TensorShape


class Layout(Protocol):
    """Writes what a kernel family reads."""

    id: int
    name: str
    alignment: int
    """Weights and tables begin at multiples of this in the pack."""

    def runs(self, layer: IntegerLayer) -> bool:
        """Whether the kernels of this layout run this layer."""
        ...

    def weights(self, layer: IntegerLayer) -> bytes:
        """All the layer's weights, once for all subnets."""
        ...

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """Biases, then multipliers, of one subnet; each padded to four entries.

        Factors, where a layer has them, are the second and third entry of its biases.
        """
        ...

    def plain(self, layer: IntegerLayer, step: Step) -> bytes:
        """One byte for each four rows, not 0 where the kernel must take its plain path; empty: none."""
        ...

    def scratch(self, layer: IntegerLayer, source: TensorShape, step: Step) -> int:
        """Bytes of arena the kernel needs beside the layer's tensors; `source` is the one it reads."""
        ...


CANONICAL = Canonical()
LAYOUTS: dict[int, Layout] = {layout.id: layout for layout in (CANONICAL, Radix256(), Vnni(), Neon())}


def plan(model: Model, subnet: int, layout: Layout) -> Arena:
    """The arena of a subnet in a layout, the scratch of its kernels included."""
    steps = model.subnets[subnet].steps
    scratch = [
        layout.scratch(layer, model.tensors[layer.inputs[0]], step)
        for layer, step in zip(model.layers, steps, strict=True)
    ]
    return arena.plan(model, subnet, scratch)


def best(model: Model, ids: Iterable[int]) -> Layout | None:
    """The layout of the highest id among `ids` whose kernels run every layer of the model, if any."""
    able = [i for i in ids if i in LAYOUTS and all(LAYOUTS[i].runs(layer) for layer in model.layers)]
    return LAYOUTS[max(able)] if able else None
