"""Quantization-aware training for the last epochs: the net computes with the rounding errors of int8.

Weights and activations take only the values that the pack can hold, with the scales that `quantize` would
choose. Gradients pass as if nothing were rounded, except where an activation is clipped (Jacob et al., arXiv
1712.05877). Batch norms keep their statistics, because quantization folds them into its tables.
"""

import torch
from torch import Tensor, nn

from reds.elastic.net import ElasticNet
from reds.pack.model import LIMIT, REQUANTIZED
from reds.pack.scale import Floats, Scale
from reds.quantization.calibrate import output_scale


class RoundedNet(ElasticNet):
    """Share the parameters of a trained net and round them where they are used; training changes that net."""

    def __init__(self, net: ElasticNet, ranges: Floats) -> None:
        """Round the outputs of `net` by the ranges float64 [subnets, layers, 2] that `calibrate` measured."""
        nn.Module.__init__(self)
        self.graph, self.subnets, self.dropout = net.graph, net.subnets, net.dropout
        self.standardization = net.standardization
        self.weights, self.affines, self.mean, self.std = net.weights, net.affines, net.mean, net.std
        self.scales: list[list[Scale]] = [
            [
                output_scale(layer, *ends)
                for layer, ends in zip(net.graph.layers, subnet.tolist(), strict=True)
            ]
            for subnet in ranges
        ]

    def train(self, mode: bool = True) -> "RoundedNet":
        """Switch dropout on or off; batch norms always use their stored statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        return self

    def layer_weight(self, layer: int) -> Tensor:
        """Return a layer's weights, each output unit's rounded to 255 steps up to its largest weight."""
        weight = super().layer_weight(layer)
        if not weight.numel():
            return weight
        dense = 0 in self.graph.layers[layer].inputs and len(self.std) > 1
        stored = weight.detach() / self.std if dense else weight.detach()
        steps = stored.abs().flatten(1).amax(1).clamp_min(1e-12) / LIMIT
        steps = steps.view(-1, *[1] * (weight.ndim - 1))
        rounded = torch.round(stored / steps) * steps
        return straight_through(weight, rounded * self.std if dense else rounded)

    def layer_output(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        """Return a layer's output, clipped and rounded to the 255 steps of the subnet's scale."""
        if self.graph.layers[layer].kind not in REQUANTIZED:
            return y
        scale = self.scales[subnet][layer]
        low, high = ((end - scale.zero) * scale.scale for end in (-LIMIT, LIMIT))
        clipped = y.clamp(low, high)
        return straight_through(clipped, torch.round(clipped.detach() / scale.scale) * scale.scale)


def straight_through(x: Tensor, rounded: Tensor) -> Tensor:
    """Return the rounded values, with the gradient of x (straight-through estimator)."""
    return x + (rounded - x).detach()
