"""The integer network cut down to one of its subnets: a whole net of that size."""

from dataclasses import replace

import numpy as np

from reds.pack.model import IntegerLayer, Model, Step


def cut(model: Model, subnet: int) -> Model:
    """The net as large as this subnet, with the subnets up to it and nothing of the larger ones."""
    steps = model.subnets[subnet].steps
    units = [model.tensors[0].units, *(step.units_out for step in steps)]
    return replace(
        model,
        tensors=tuple(replace(t, units=n) for t, n in zip(model.tensors, units, strict=True)),
        layers=tuple(_cut_layer(layer, step) for layer, step in zip(model.layers, steps, strict=True)),
        subnets=model.subnets[: subnet + 1],
    )


def alone(model: Model, subnet: int) -> Model:
    """One subnet as a net of its own: what nesting is compared with."""
    whole = cut(model, subnet)
    return replace(whole, subnets=whole.subnets[-1:])


def _cut_layer(layer: IntegerLayer, step: Step) -> IntegerLayer:
    """A layer with the weights that a step reads."""
    return replace(layer, weights=np.ascontiguousarray(layer.live(step)))
