"""Training that sees what int8 will round off: the last epochs, where they pay.

A net whose weights and activations take only the values that the pack can hold, by the scales that `quantize`
gives them; a gradient passes as if nothing were rounded, and not where an activation is cut off (Jacob et
al., arXiv 1712.05877). Norms keep their statistics: int8 has folded them into its tables.
"""

import torch
from torch import Tensor, nn

from reds.elastic.net import ElasticNet
from reds.pack.model import LIMIT, REQUANTIZED
from reds.quantization.calibrate import Floats, Scale, output_scale


class RoundedNet(ElasticNet):
    """The same parameters as a trained net's, rounded where they are used; training it trains that net.

    `ranges`, float64 [subnets, layers, 2], say what values each layer's output scale covers (`calibrate`).
    """

    def __init__(self, net: ElasticNet, ranges: Floats) -> None:
        nn.Module.__init__(self)
        self.graph, self.subnets, self.dropout = net.graph, net.subnets, net.dropout
        self.weights, self.tails, self.mean, self.std = net.weights, net.affines, net.mean, net.std
        self.scales: list[list[Scale]] = [
            [output_scale(layer, *of) for layer, of in zip(net.graph.layers, each.tolist(), strict=True)]
            for each in ranges
        ]

    def train(self, mode: bool = True) -> "RoundedNet":
        """Dropout alone differs: norms infer."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        return self

    def used(self, layer: int) -> Tensor:
        """A layer's weights, each row on the 255 steps that its largest one sets."""
        weight = super().used(layer)
        if not weight.numel():
            return weight
        dense = 0 in self.graph.layers[layer].inputs and len(self.std) > 1
        stored = weight.detach() / self.std if dense else weight.detach()
        steps = stored.abs().flatten(1).amax(1).clamp_min(1e-12) / LIMIT
        steps = steps.view(-1, *[1] * (weight.ndim - 1))
        rounded = torch.round(stored / steps) * steps
        return passing(weight, rounded * self.std if dense else rounded)

    def written(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        """What a layer writes, on the 255 steps of the subnet's scale for it."""
        if self.graph.layers[layer].kind not in REQUANTIZED:
            return y
        scale = self.scales[subnet][layer]
        low, high = ((end - scale.zero) * scale.scale for end in (-LIMIT, LIMIT))
        kept = y.clamp(low, high)
        return passing(kept, torch.round(kept.detach() / scale.scale) * scale.scale)


def passing(x: Tensor, rounded: Tensor) -> Tensor:
    """The rounded values, with the gradient of x."""
    return x + (rounded - x).detach()
