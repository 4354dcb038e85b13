"""Quantization-aware training for the last epochs: the net computes with the rounding errors of int8.

Weights, activations and what activation tables read take only the values that the pack can hold, with the
scales that `quantize` would choose. Gradients pass as if nothing were rounded, except where one is clipped
(Jacob et al., arXiv 1712.05877). Batch norms keep their statistics, because quantization folds them into its
tables.
"""

import numpy as np
import torch
from torch import Tensor, nn

from reds.elastic.net import ElasticNet
from reds.elastic.shared import SharedNet
from reds.pack.model import LIMIT, REQUANTIZED, WEIGHTED, Kind
from reds.pack.scale import Floats, Scale
from reds.quantization.scales import LayerScales, subnet_scales

UNROUNDED = Scale(0.0, 0, np.zeros(1))
"""Stands for the scale of the input, which no layer rounds."""


class RoundedNet(SharedNet):
    """Share the parameters of a trained net and round them where they are used; training changes that net."""

    def __init__(self, net: ElasticNet, ranges: Floats) -> None:
        """Round the outputs of `net` by the ranges float64 [subnets, layers, 2] that `calibrate` measured."""
        super().__init__(net)
        self.scales: list[list[LayerScales]] = [
            subnet_scales(net.graph, subnet.widths, ends, UNROUNDED)[1:]
            for subnet, ends in zip(net.subnets, ranges, strict=True)
        ]

    def train(self, mode: bool = True) -> "RoundedNet":
        """Switch dropout on or off; batch norms always use their stored statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        return self

    def layer_weight(self, layer: int) -> Tensor:
        """Return a layer's weights, rounded to 255 steps up to the largest of its unit or its embedding."""
        weight, kind = super().layer_weight(layer), self.graph.layers[layer].kind
        if kind not in WEIGHTED | {Kind.EMBED}:
            return weight
        dense = 0 in self.graph.layers[layer].inputs and len(self.std) > 1
        stored = weight.detach() / self.std if dense else weight.detach()
        largest = stored.abs().amax() if kind is Kind.EMBED else stored.abs().flatten(1).amax(1)
        steps = largest.clamp_min(1e-12) / LIMIT
        steps = steps.view(-1, *[1] * (weight.ndim - 1))
        rounded = torch.round(stored / steps) * steps
        return straight_through(weight, rounded * self.std if dense else rounded)

    def before_activation(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        """Return what an activation table reads, clipped and rounded to its bytes."""
        if self.graph.layers[layer].kind not in REQUANTIZED:
            return y  # copied bytes are rounded already
        return clip_and_round(y, self.scales[subnet][layer].kernel)

    def layer_output(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        """Return a layer's output, clipped and rounded to the 255 steps of the subnet's scale."""
        made = self.graph.layers[layer]
        if made.kind not in REQUANTIZED and made.activation is None:
            return y
        return clip_and_round(y, self.scales[subnet][layer].output)


def clip_and_round(y: Tensor, scale: Scale) -> Tensor:
    """Return the nearest values that int8 holds; the gradient passes where none is clipped."""
    low, high = ((end - scale.zero) * scale.scale for end in (-LIMIT, LIMIT))
    clipped = y.clamp(low, high)
    return straight_through(clipped, torch.round(clipped.detach() / scale.scale) * scale.scale)


def straight_through(x: Tensor, rounded: Tensor) -> Tensor:
    """Return the rounded values, with the gradient of x (straight-through estimator)."""
    return x + (rounded - x).detach()
