"""Every subnet as views of one weight set; only its norms and the classifier's biases are its own.

An elastic layer is the ordinary layer plus active widths: the first units of a group are the most important
ones, so a subnet's weights are the top left corner of the full net's. Own statistics and affine per subnet
(as in slimmable networks; REDS, arXiv 2311.13349, shares one norm) fold into per-unit biases and multipliers,
so that the int8 weights stay shared.
"""

import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.chain import Chain, ChainError, Layer, Widths
from reds.model import Kind


class Bias(nn.Module):
    """What follows a layer without a norm: one bias a unit."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        """Add the biases to float32 [N, units]."""
        return x + self.bias


class ElasticNet(nn.Module):
    """The one weight set and what each subnet owns; `widths[i]` are the group widths of subnet i.

    Inputs are real features float32 [N, features]; they are standardised by `mean` and `std` [features],
    which quantisation folds into the first layer. Raises `ChainError` for layers it cannot run yet.
    """

    def __init__(self, chain: Chain, widths: Sequence[Widths], dropout: float = 0.0) -> None:
        super().__init__()
        for layer in chain.layers:
            if layer.kind is not Kind.DENSE:
                raise ChainError(f"{layer.name}: this version trains dense layers only")
        self.chain, self.widths, self.dropout = chain, tuple(widths), dropout
        shapes = [(chain.full[x.writes], chain.full[x.reads] * x.copies) for x in chain.layers]
        self.weights = nn.ParameterList([torch.randn(shape) * (2 / shape[1]) ** 0.5 for shape in shapes])
        self.tails = nn.ModuleList(
            nn.ModuleList(tail(layer, of[layer.writes]) for layer in chain.layers) for of in widths
        )
        self.mean = nn.Buffer(torch.zeros(chain.full[0]))
        self.std = nn.Buffer(torch.ones(chain.full[0]))

    def forward(self, x: Tensor, subnet: int) -> Tensor:
        """Logits float32 [N, classes] of one subnet."""
        return self.trace(x, subnet)[-1]

    def trace(self, x: Tensor, subnet: int) -> list[Tensor]:
        """Every tensor of the chain, as one subnet writes it: input, then one a layer."""
        widths = self.widths[subnet]
        values = [(x - self.mean) / self.std]
        tails = self.subnet_tails(subnet)
        for layer, weight, after in zip(self.chain.layers, self.weights, tails, strict=True):
            y = after(F.linear(values[layer.inputs[0]], active(layer, weight, widths)))
            y = F.dropout(F.relu(y), self.dropout, self.training) if layer.relu else y
            values.append(y)
        return values

    def subnet_tails(self, subnet: int) -> nn.ModuleList:
        """What follows each layer in one subnet: its norm, or its biases."""
        tails = self.tails[subnet]
        assert isinstance(tails, nn.ModuleList)
        return tails


def tail(layer: Layer, units: int) -> nn.Module:
    """A norm of this many units, or biases where the layer has none."""
    return nn.BatchNorm1d(units) if layer.norm else Bias(units)


def active(layer: Layer, weight: Tensor, widths: Widths) -> Tensor:
    """The view of a layer's weights that a subnet reads: [units out, units in]."""
    return weight[: widths[layer.writes], : widths[layer.reads] * layer.copies]


def nest(full: ElasticNet, widths: Sequence[Widths]) -> ElasticNet:
    """An elastic net with the weights of a full net, every subnet starting from the full net's norms."""
    net = ElasticNet(full.chain, widths, full.dropout)
    state = full.state_dict()
    for name, value in net.state_dict().items():
        source = state[re.sub(r"^tails\.\d+", "tails.0", name)]
        value.copy_(source[: len(value)] if value.ndim else source)
    return net
