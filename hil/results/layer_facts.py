"""Describe the layers of a subnet: what each computes, reads from flash and holds in the arena."""

from dataclasses import dataclass

from hil.results.weights_read import lines, prefix
from reds.pack import arena
from reds.pack.layouts import Layout
from reds.pack.model import Model
from reds.pack.padding import round_up

WORD = 4
"""Bytes that a kernel reads at once, padding included."""


@dataclass(frozen=True)
class LayerFacts:
    """One layer of one subnet, in one layout.

    Attributes:
        kind: Kind of the layer, as `average_pool`.
        shape: Shape that the subnet writes, as `25x5x16`.
        macs: Multiply-accumulates.
        flash: Bytes of weights, in whole words, and of tables that the layer reads, each counted once.
        arena: Bytes of the arena that are in use while the layer runs: tensors and scratch.
    """

    kind: str
    shape: str
    macs: int
    flash: int
    arena: int


def layer_facts(model: Model, subnet: int, layout: Layout) -> tuple[LayerFacts, ...]:
    """Return the facts of all layers.

    Args:
        model: The network.
        subnet: Index of the subnet.
        layout: Layout of the kernels that run it.
    """
    kinds = [layer.kind.name.lower() for layer in model.layers]
    costs = model.layer_macs(subnet), _flash(model, subnet, layout), _arena(model, subnet, layout)
    return tuple(map(LayerFacts, kinds, _shapes(model, subnet), *costs))


def _shapes(model: Model, subnet: int) -> list[str]:
    shapes = []
    for layer, step in zip(model.layers, model.subnets[subnet].steps, strict=True):
        full = model.tensors[layer.output]
        sides = (full.height, full.width, step.units_out) if full.positions > 1 else (step.units_out,)
        shapes.append("x".join(map(str, sides)))
    return shapes


def _flash(model: Model, subnet: int, layout: Layout) -> list[int]:
    read = []
    for layer, step, units in zip(
        model.layers, model.subnets[subnet].steps, prefix(model, subnet), strict=True
    ):
        tables = len(layout.table(layer, step)) + len(layout.plain(layer, step))
        read.append(WORD * lines(layout, layer, units, WORD) + tables)
    return read


def _arena(model: Model, subnet: int, layout: Layout) -> list[int]:
    steps = model.subnets[subnet].steps
    units = [model.tensors[0].units, *(step.units_out for step in steps)]
    sizes = [round_up(shape.size(n), arena.ALIGNMENT) for shape, n in zip(model.tensors, units, strict=True)]
    alive = arena.lifetimes([layer.inputs for layer in model.layers])
    used = []
    for i, (layer, step) in enumerate(zip(model.layers, steps, strict=True)):
        tensors = sum(size for size, (first, last) in zip(sizes, alive, strict=True) if first <= i <= last)
        scratch = layout.scratch(layer, model.tensors[layer.inputs[0]], step)
        used.append(tensors + round_up(scratch, arena.ALIGNMENT))
    return used
