"""Order weights and tables for the kernels of a device: one class for each layout.

Files on the host have the canonical layout. Deploying writes the one that the agent asks for. A layout
changes the order of bytes and never a result.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from reds.errors import ModelError
from reds.pack import arena
from reds.pack.layouts.canonical import Canonical
from reds.pack.layouts.helium import Helium
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

    def refusal(self, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        """Return what this layout has no kernel for, as `a conv layer with dilation`; empty if it runs.

        The text completes "it has no kernel for".

        Args:
            layer: The layer of the full network.
            sources: The shapes of the tensors that it reads, in the full network.
        """
        ...

    def weights(self, layer: IntegerLayer) -> bytes:
        """Return the weights of the full network's layer, which all subnets share."""
        ...

    def table(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return the table of one subnet: biases, then multipliers, each padded to four entries.

        The factors of an average, an addition or an embedding follow its bias.
        """
        ...

    def plain(self, layer: IntegerLayer, step: Step) -> bytes:
        """Return one byte for every four rows: 0 if the fast kernel may compute them. Empty if it may all."""
        ...

    def scratch(self, layer: IntegerLayer, sources: Sequence[TensorShape], step: Step) -> int:
        """Return the bytes of arena that the kernel needs beside the layer's tensors.

        Args:
            layer: The layer of the full network.
            sources: The shapes of the tensors that it reads, in the full network.
            step: The layer in one subnet.
        """
        ...


CANONICAL = Canonical()
LAYOUTS: dict[int, Layout] = {
    layout.id: layout for layout in (CANONICAL, Radix256(), Vnni(), Neon(), Helium())
}


def plan(model: Model, subnet: int, chosen: Sequence[Layout]) -> Arena:
    """Return the arena of a subnet, with the scratch of its kernels.

    A pack that was read keeps its own arena where every layer is canonical.

    Args:
        model: The integer network.
        subnet: The index of the subnet.
        chosen: The layout of each layer.
    """
    kept = model.subnets[subnet].arena
    if kept is not None and all(layout is CANONICAL for layout in chosen):
        return kept
    return arena.plan(model, subnet, step_scratch(model, subnet, chosen))


def step_scratch(model: Model, subnet: int, chosen: Sequence[Layout]) -> list[int]:
    """Return the bytes of scratch of each step of a subnet, with this layout of each layer."""
    return [
        chosen[step.layer].scratch(model.layers[step.layer], _sources(model, step.layer), step)
        for step in model.subnets[subnet].steps
    ]


def canonical(model: Model) -> tuple[Layout, ...]:
    """Return the canonical layout for each layer of a model."""
    return (CANONICAL,) * len(model.layers)


def best(model: Model, ids: Iterable[int]) -> tuple[Layout, ...]:
    """Return for each layer the layout of the highest id among `ids` that has a kernel for it.

    Raises:
        ModelError: A layer has no such layout.
    """
    known, chosen = [LAYOUTS[i] for i in sorted(set(ids) & LAYOUTS.keys())], []
    for i, layer in enumerate(model.layers):
        usable = [layout for layout in known if not layout.refusal(layer, _sources(model, i))]
        if not usable:
            kind = layer.kind.name.lower()
            raise ModelError(f"no layout of its agent runs layer {i} ({kind}) of {model.name}")
        chosen.append(usable[-1])
    return tuple(chosen)


def preferring(model: Model, layout: Layout) -> tuple[Layout, ...]:
    """Return a layout for each layer for which it has a kernel, and the canonical one for the others."""
    return tuple(
        CANONICAL if layout.refusal(layer, _sources(model, i)) else layout
        for i, layer in enumerate(model.layers)
    )


def _sources(model: Model, layer: int) -> list[TensorShape]:
    return [model.tensors[tensor] for tensor in model.layers[layer].inputs]


def names(chosen: Iterable[Layout]) -> str:
    """Return the names of the layouts of a pack's layers, the highest id first, as `radix256, canonical`."""
    return ", ".join(layout.name for _, layout in sorted({each.id: each for each in chosen}.items())[::-1])
