"""Every subnet as views of one weight set; only its norms and the classifier's biases are its own.

An elastic layer is the ordinary layer plus active widths: the first units of a group are the most important
ones, so a subnet's weights are the top left corner of the full net's. Own statistics and affine per subnet
(as in slimmable networks; REDS, arXiv 2311.13349, shares one norm, which can be had too) fold into per-unit
biases and multipliers, so that the int8 weights stay shared.
"""

import re
from collections.abc import Sequence
from math import prod
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.elastic.layers import rectified, run_layer, shape
from reds.graph import MIXING, Graph, Layer, Widths
from reds.graph.subnets import SubnetSpec, full_subnet
from reds.pack.model import WEIGHTED, Kind


class Bias(nn.Module):
    """What follows a layer without a norm: one bias a unit."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        """Add the biases to float32 [N, units]."""
        return x + self.bias


class SharedNorm(nn.Module):
    """A full net's norm, fixed at its statistics and cut to a subnet's units: one for all subnets."""

    def __init__(self, full: nn.BatchNorm1d) -> None:
        super().__init__()
        assert full.running_mean is not None
        assert full.running_var is not None
        gain = full.weight.detach() / (full.running_var + full.eps).sqrt()
        self.gain = nn.Parameter(gain)
        self.offset = nn.Parameter(full.bias.detach() - full.running_mean * gain)

    def forward(self, x: Tensor) -> Tensor:
        """Scale and shift float32 [N, units], the first of the full net's."""
        units = x.shape[1]
        return x * self.gain[:units] + self.offset[:units]


class ElasticNet(nn.Module):
    """One weight set, and what each of `subnets` owns: its batch norms and its biases.

    Inputs are real features float32 [N, features], sites in order and units innermost, or [N, height, width,
    units]. If dense layers read them, they are standardized by `mean` and `std` [features], which
    quantization folds into those layers. Else they are read as they are, `mean` [1] stays 0 and `std` [1]
    stays 1: padding writes the stored zero, which a folded mean would turn into another value at the edges;
    and the norm after a first convolution makes its input's scale irrelevant.
    """

    def __init__(self, graph: Graph, subnets: Sequence[SubnetSpec] = (), dropout: float = 0.0) -> None:
        super().__init__()
        self.graph, self.dropout = graph, dropout
        self.subnets = tuple(subnets) or (full_subnet(graph),)
        shapes = [shape(graph, layer) for layer in graph.layers]
        self.weights = nn.ParameterList([torch.randn(s) * (2 / (prod(s[1:]))) ** 0.5 for s in shapes])
        self.tails = nn.ModuleList(
            nn.ModuleList(tail(layer, subnet.widths[layer.writes]) for layer in graph.layers)
            for subnet in self.subnets
        )
        flat = all(layer.kind is Kind.DENSE for layer in graph.layers if 0 in layer.inputs)
        features = graph.full[0] if flat else 1
        self.mean, self.std = nn.Buffer(torch.zeros(features)), nn.Buffer(torch.ones(features))

    def forward(self, x: Tensor, subnet: int) -> Tensor:
        """Logits float32 [N, classes] of one subnet."""
        return self.trace(x, subnet)[-1].flatten(1)

    def trace(self, x: Tensor, subnet: int) -> list[Tensor]:
        """Every tensor of the chain, as one subnet writes it: input, then one a layer, float32
        [N, height, width, units].
        """
        widths, source = self.subnets[subnet].widths, self.graph.tensors[0]
        values = [(x.reshape(len(x), source.height, source.width, -1) - self.mean) / self.std]
        for k, (layer, after) in enumerate(zip(self.graph.layers, self.subnet_affines(subnet), strict=True)):
            read = [values[tensor] for tensor in layer.inputs]
            y = run_layer(layer, self.graph, active(layer, self.used(k), widths), read)
            sides, y = y.shape, after(y.flatten(0, 2))
            if layer.relu:
                y = rectified(layer, y)
                y = F.dropout(y, self.dropout, self.training) if self.dropout else y
            values.append(self.written(subnet, k, y.view(sides)))
        return values

    def used(self, layer: int) -> Tensor:
        """The weights that a layer uses."""
        weight: Tensor = self.weights[layer]
        return weight

    def written(self, subnet: int, layer: int, y: Tensor) -> Tensor:
        """What a layer writes."""
        return y

    def subnet_affines(self, subnet: int) -> nn.ModuleList:
        """What follows each layer in one subnet: its norm, or its biases, or nothing."""
        tails = self.tails[subnet]
        assert isinstance(tails, nn.ModuleList)
        return tails


def tail(layer: Layer, units: int) -> nn.Module:
    """A norm of this many units, biases where a layer with weights has none, else nothing."""
    if layer.kind not in WEIGHTED:
        return nn.Identity()
    return nn.BatchNorm1d(units) if layer.norm else Bias(units)


def active(layer: Layer, weight: Tensor, widths: Widths) -> Tensor:
    """The view of a layer's weights that a subnet reads: [units out, units in, ...]."""
    if layer.kind in MIXING:
        return weight[: widths[layer.writes], : widths[layer.reads] * layer.copies]
    return weight[: widths[layer.writes]] if layer.kind in WEIGHTED else weight


def nest(
    full: ElasticNet, subnets: Sequence[SubnetSpec], *, norms: Literal["own", "shared"] = "own"
) -> ElasticNet:
    """An elastic net with the weights of a full net, every subnet starting from the full net's norms.

    Each then has norms of its own; or all share the full net's, no longer measured but only trained.
    """
    net = ElasticNet(full.graph, subnets, full.dropout)
    state = full.state_dict()
    for name, value in net.state_dict().items():
        source = state[re.sub(r"^tails\.\d+", "tails.0", name)]
        value.copy_(source[: len(value)] if value.ndim else source)
    for k, after in enumerate(full.subnet_affines(0)):
        if isinstance(after, nn.BatchNorm1d):
            shared = SharedNorm(after)
            for i in range(len(subnets)):
                own = net.subnet_affines(i)[k]
                assert isinstance(own, nn.BatchNorm1d)
                own.eps = after.eps  # a traced module's own, and no part of the state
                net.subnet_affines(i)[k] = own if norms == "own" else shared
    return net
