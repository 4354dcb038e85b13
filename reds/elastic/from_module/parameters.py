"""Copy the parameters of steps into the layers of an elastic net."""

import torch
from torch import Tensor, nn

from reds.elastic.affine import UnitAffine, UnitBias
from reds.elastic.from_module.steps import Step
from reds.graph.parts import Layer
from reds.pack.model import Kind


def copy_parameters(layer: Layer, weight: Tensor, affine: nn.Module, step: Step) -> None:
    """Copy a step's weights and its batch norm, or its bias, into an elastic net's layer.

    Args:
        layer: The layer.
        weight: The elastic layer's weights; overwritten.
        affine: The elastic layer's batch norm, gain or bias; overwritten.
        step: The step. A bias before a batch norm moves into the norm's mean.
    """
    if step.weight is None:
        return
    if layer.kind is Kind.LAYER_NORM:
        assert step.bias is not None
        assert isinstance(affine, UnitAffine)
        affine.gain.copy_(step.weight)
        affine.offset.copy_(step.bias)
        return
    weight.copy_(step.weight.reshape(weight.shape))
    if layer.kind in (Kind.PRELU, Kind.EMBED):
        return
    bias = torch.zeros(step.units) if step.bias is None else step.bias
    norm = step.norm
    if norm is None:
        assert isinstance(affine, UnitBias)
        affine.bias.copy_(bias)
        return
    assert isinstance(affine, nn.BatchNorm1d)
    state = {
        "weight": norm.gain,
        "bias": norm.offset,
        "running_mean": norm.mean - bias,
        "running_var": norm.variance,
    }
    affine.load_state_dict(state, strict=False)
    affine.eps = norm.eps
