"""Describe the layers of a subnet: what each computes, reads from flash and holds in the arena."""

from collections.abc import Sequence
from dataclasses import dataclass

from hil.results.weights_read import lines, prefix
from reds.pack import arena
from reds.pack.layouts import Layout, step_scratch
from reds.pack.model import Model
from reds.pack.padding import round_up

WORD = 4
"""Bytes that a kernel reads at once, padding included."""


@dataclass(frozen=True)
class LayerFacts:
    """One layer that a subnet runs.

    Attributes:
        index: Index of the layer in the network.
        kind: Kind of the layer, as `average_pool`.
        shape: Shape that the subnet writes, as `25x5x16`.
        macs: Multiply-accumulates.
        flash: Bytes of weights, in whole words, and of tables that the layer reads, each counted once.
        arena: Bytes of the arena that are in use while the layer runs: tensors and scratch.
        layout: Name of the layout of its weights, which says which kernels run it.
    """

    index: int
    kind: str
    shape: str
    macs: int
    flash: int
    arena: int
    layout: str


def layer_facts(model: Model, subnet: int, chosen: Sequence[Layout]) -> tuple[LayerFacts, ...]:
    """Return the facts of all layers that a subnet runs.

    Args:
        model: The network.
        subnet: Index of the subnet.
        chosen: Layout of each layer of the network.
    """
    runs = [step.layer for step in model.subnets[subnet].steps]
    kinds = [model.layers[i].kind.name.lower() for i in runs]
    costs = model.step_macs(subnet), _flash(model, subnet, chosen), _arena(model, subnet, chosen)
    return tuple(map(LayerFacts, runs, kinds, _shapes(model, subnet), *costs, [chosen[i].name for i in runs]))


def _shapes(model: Model, subnet: int) -> list[str]:
    shapes = []
    for step in model.subnets[subnet].steps:
        full = model.tensors[step.layer + 1]
        sides = (full.height, full.width, step.units_out) if full.positions > 1 else (step.units_out,)
        shapes.append("x".join(map(str, sides)))
    return shapes


def _flash(model: Model, subnet: int, chosen: Sequence[Layout]) -> list[int]:
    read = []
    for step, units in zip(model.subnets[subnet].steps, prefix(model, subnet), strict=True):
        layer, layout = model.layers[step.layer], chosen[step.layer]
        tables = len(layout.table(layer, step)) + len(layout.plain(layer, step))
        tables += 0 if step.activation is None else step.activation.table.nbytes
        read.append(WORD * lines(layout, layer, units, WORD) + tables)
    return read


def _arena(model: Model, subnet: int, chosen: Sequence[Layout]) -> list[int]:
    sizes = [round_up(size, arena.ALIGNMENT) for size in arena.tensor_sizes(model, subnet)]
    alive = arena.lifetimes(arena.model_schedule(model, subnet))
    used = []
    for i, scratch in enumerate(step_scratch(model, subnet, chosen)):
        tensors = sum(size for size, (first, last) in zip(sizes, alive, strict=True) if first <= i <= last)
        used.append(tensors + round_up(scratch, arena.ALIGNMENT))
    return used
