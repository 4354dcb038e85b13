"""Name the shape of a pack: packs of one shape do the same work, so that their figures may be compared."""

import hashlib
import json

from reds.pack.model import Model, Subnet

DIGITS = 16
"""Hexadecimal digits of a shape."""


def pack_shape(model: Model) -> str:
    """Return a hash of the network and its subnets without weights, biases, multipliers and the pack's name.

    A network that is trained again keeps its shape, if its subnets keep the same numbers of units.
    """
    layers = [
        [layer.kind, layer.inputs, layer.output, layer.relu, layer.kernel, layer.stride, layer.padding]
        for layer in model.layers
    ]
    tensors = [[tensor.height, tensor.width, tensor.units] for tensor in model.tensors]
    subnets = [[subnet.name, _steps(model, subnet)] for subnet in model.subnets]
    return hashlib.sha256(json.dumps([tensors, layers, subnets]).encode()).hexdigest()[:DIGITS]


def _steps(model: Model, subnet: Subnet) -> list[list[int] | None]:
    """Return the units that each layer reads and writes, and None for a layer that is left out."""
    steps: list[list[int] | None] = [None] * len(model.layers)
    for step in subnet.steps:
        activated = [1] if step.activation is not None else []
        steps[step.layer] = [step.units_in, step.units_out, *activated]
    return steps
