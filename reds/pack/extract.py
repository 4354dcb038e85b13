"""Cut an integer network down to the size of one of its subnets.

A board with little flash takes a pack without its larger subnets. Benchmarks compare a nested subnet with
the same subnet deployed by itself.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from reds.pack.arena import Schedule, model_schedule
from reds.pack.model import IntegerLayer, Kind, Model, Subnet
from reds.pack.reorder import reordered
from reds.pack.validate.expect import expect
from reds.pack.writer import sizes


def extract_up_to(model: Model, subnet: int) -> Model:
    """Return the network cut down to one subnet, which keeps the smaller subnets as well.

    Layers that the subnet leaves out are gone, and so are their tensors.

    Raises:
        ModelError: For a tensor that is gone, a smaller subnet reads another one than the subnet does, or a
            concatenation would write units in another order.
    """
    kept, rooms = model_schedule(model, subnet), model.rooms(subnet)
    cut = replace(
        model,
        tensors=tuple(replace(model.tensors[t], units=rooms[t].units) for t in kept.tensors),
        layers=tuple(_extract_layer(model, subnet, i, reads) for i, reads in enumerate(kept.reads)),
        subnets=tuple(
            _extract_steps(model, smaller, kept, model.subnets[subnet].stands)
            for smaller in range(subnet + 1)
        ),
    )
    _check_order(model, cut, subnet)
    return cut


def extract_subnet(model: Model, subnet: int) -> Model:
    """Return one subnet as a network with no other subnets.

    Raises:
        ModelError: Its layers need the units of a tensor in different orders without the smaller subnets.
    """
    largest = extract_up_to(model, subnet)
    return reordered(replace(largest, subnets=largest.subnets[-1:]), largest.kept(subnet))


def subnet_flash(model: Model, subnet: int) -> int:
    """Return the bytes of weights and tables of one subnet by itself, in the canonical layout."""
    largest = extract_up_to(model, subnet)
    alone = sizes(replace(largest, subnets=largest.subnets[-1:]))
    return alone.weights + alone.tables


def _extract_layer(model: Model, subnet: int, index: int, reads: tuple[int, ...]) -> IntegerLayer:
    step = model.subnets[subnet].steps[index]
    layer = model.layers[step.layer]
    weights = np.ascontiguousarray(layer.subnet_weights(step))
    groups = layer.groups * step.units_in // model.tensors[layer.inputs[0]].units
    return replace(
        layer, inputs=reads, output=index + 1, weights=weights, groups=groups if layer.groups > 1 else 1
    )


def _check_order(model: Model, cut: Model, subnet: int) -> None:
    """Check that every concatenation still counts the same units of its inputs in each subnet."""
    before, after = model.kept(subnet), cut.kept(subnet)
    for layer, step in zip(cut.layers, model.subnets[subnet].steps, strict=True):
        if layer.kind is Kind.CONCAT:
            expect(
                [before[i] for i in model.layers[step.layer].inputs] == [after[i] for i in layer.inputs],
                f"layer {step.layer} would join units in another order without the layers that subnet"
                f" {model.subnets[subnet].name} leaves out: keep all subnets",
            )


def _extract_steps(model: Model, index: int, kept: Schedule, gone: Mapping[int, int]) -> Subnet:
    """Return a subnet whose layers and tensors have the indices that they have among those kept.

    Args:
        model: The network.
        index: The index of the subnet.
        kept: The layers and tensors of the largest subnet, which is kept wholly.
        gone: For each tensor that is gone but read, the one that is read in its place.
    """
    subnet, at = model.subnets[index], {tensor: n for n, tensor in enumerate(kept.tensors)}
    rooms, stands = model.rooms(index), dict(subnet.stands)
    for tensor, held in gone.items():
        there = rooms[tensor].holds
        if rooms[tensor].units and not rooms[held].units:  # a block around `held` is left out
            stands.setdefault(held, there)
        read = stands.get(held, held)
        expect(
            not rooms[tensor].units or read == there,
            f"subnet {subnet.name} reads tensor {there} for tensor {tensor}, but a larger one {held}: keep"
            " all subnets",
        )
    arena = subnet.arena if len(kept.tensors) == len(model.tensors) else None
    return replace(
        subnet,
        steps=tuple(replace(step, layer=at[step.layer + 1] - 1) for step in subnet.steps),
        stands={at[tensor]: at[held] for tensor, held in stands.items() if tensor in at},
        arena=arena,
    )
