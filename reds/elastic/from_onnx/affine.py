"""Move sums and products with constants into the layer before them.

Keras writes biases and batch norms in this way.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reds.elastic.from_onnx.values import Value


def moved_into(layer: object, kind: str, constants: Sequence[Tensor | None], value: Value) -> Value | None:
    """Return the value after an operation that a layer has taken over, or None if it cannot.

    Args:
        layer: What computes the value; a convolution or a linear layer can take over.
        kind: `Add`, `Sub`, `Mul` or `Div`.
        constants: Both inputs of the operation; None is the value.
        value: The output of the layer.
    """
    swapped = constants[0] is not None
    constant = constants[0] if swapped else constants[1]
    if (
        not isinstance(layer, nn.Linear | nn.Conv2d)
        or constant is None
        or (swapped and kind in ("Sub", "Div"))
    ):
        return None
    per_unit = value.per_unit(constant)
    if per_unit is None:
        return None
    scale = {"Mul": per_unit, "Div": 1 / per_unit}.get(kind, torch.ones_like(per_unit))
    shift = {"Add": per_unit, "Sub": -per_unit}.get(kind, torch.zeros_like(per_unit))
    weight, bias = layer.weight, torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias
    layer.weight.copy_(weight * scale.reshape(-1, *[1] * (weight.ndim - 1)))
    layer.bias = nn.Parameter(bias * scale + shift)
    full = (1, -1, *[1] * (value.sample.ndim - 2))
    return value.with_held(value.node, value.held * scale.reshape(full) + shift.reshape(full))
