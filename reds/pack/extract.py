"""Cut an integer network down to the size of one of its subnets.

A board with little flash takes a pack without its larger subnets. Benchmarks compare a nested subnet with
the same subnet deployed by itself.
"""

from dataclasses import replace

import numpy as np

from reds.pack.layouts import CANONICAL
from reds.pack.model import IntegerLayer, Model, Step


def extract_up_to(model: Model, subnet: int) -> Model:
    """Return the network cut down to one subnet, which keeps the smaller subnets as well."""
    steps = model.subnets[subnet].steps
    units = [model.tensors[0].units, *(step.units_out for step in steps)]
    return replace(
        model,
        tensors=tuple(replace(t, units=n) for t, n in zip(model.tensors, units, strict=True)),
        layers=tuple(_extract_layer(layer, step) for layer, step in zip(model.layers, steps, strict=True)),
        subnets=model.subnets[: subnet + 1],
    )


def extract_subnet(model: Model, subnet: int) -> Model:
    """Return one subnet as a network with no other subnets."""
    largest = extract_up_to(model, subnet)
    return replace(largest, subnets=largest.subnets[-1:])


def subnet_flash(model: Model, subnet: int) -> int:
    """Return the bytes of weights and tables of one subnet by itself, in the canonical layout."""
    alone = extract_subnet(model, subnet)
    steps = alone.subnets[0].steps
    weights = sum(len(CANONICAL.weights(layer)) for layer in alone.layers)
    return weights + sum(
        len(CANONICAL.table(layer, step)) for layer, step in zip(alone.layers, steps, strict=True)
    )


def _extract_layer(layer: IntegerLayer, step: Step) -> IntegerLayer:
    return replace(layer, weights=np.ascontiguousarray(layer.subnet_weights(step)))
