"""Order weights and tables for the kernels of a device: one class for each layout.

Files on the host have the canonical layout. Deploying writes the one that the agent asks for. A layout
changes the order of bytes and never a result.
"""

from collections.abc import Iterable
from typing import Protocol

from reds.pack import arena
from reds.pack.layouts.canonical import Canonical
from reds.pack.layouts.neon import Neon
from reds.pack.layouts.radix256 import Radix256
from reds.pack.layouts.vnni import Vnni
from reds.pack.model import Arena, IntegerLayer, Model, Step, TensorShape


class Layout(Protocol):
    """The layout that one family of kernels reads."""

    id: int
    """Number of the layout in the pack and in the agent's hello."""
    name: str
    alignment: int
    """Bytes. Weights and tables begin at multiples of this in the pack."""

    def runs(self, layer: IntegerLayer) -> bool:
        """Return whether the kernels of this layout can run this layer."""
        ...

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights of the full network's layer, which all subnets share."""
        ...

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return the table of one subnet: biases, then multipliers, each padded to four entries.

        The factors of an average or an addition follow its bias.
        """
        ...

    def plain(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return one byte for every four rows: 0 if the fast kernel may compute them. Empty if it may all."""
        ...

    def scratch(self, layer: IntegerLayer, source: TensorShape, step: Step) -> int:
        """Return the bytes of arena that the kernel needs beside the layer's tensors.

        Args:
            layer: The layer of the full network.
            source: The shape of the tensor that it reads, in the full network.
            step: The layer in one subnet.
        """
        ...


CANONICAL = Canonical()
LAYOUTS: dict[int, Layout] = {layout.id: layout for layout in (CANONICAL, Radix256(), Vnni(), Neon())}


def plan(model: Model, subnet: int, layout: Layout) -> Arena:
    """Return the arena of a subnet in a layout, with the scratch of its kernels.

    A pack that was read keeps its own arena in the canonical layout.

    Args:
        model: The integer network.
        subnet: The index of the subnet.
        layout: The layout of the kernels that run it.
    """
    steps, kept = model.subnets[subnet].steps, model.subnets[subnet].arena
    if kept is not None and layout.id == CANONICAL.id:
        return kept
    scratch = [
        layout.scratch(layer, model.tensors[layer.inputs[0]], step)
        for layer, step in zip(model.layers, steps, strict=True)
    ]
    return arena.plan(model, subnet, scratch)


def best(model: Model, ids: Iterable[int]) -> Layout | None:
    """Return the layout of the highest id among `ids` whose kernels can run the model, or None."""
    usable = [i for i in ids if i in LAYOUTS and all(LAYOUTS[i].runs(layer) for layer in model.layers)]
    return LAYOUTS[max(usable)] if usable else None
