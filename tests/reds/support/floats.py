"""Float nets for tests: every kind of layer, norms with statistics and affines of their own."""

import numpy as np
import torch

from reds.elastic.net import ElasticNet
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.graph.subnets import SubnetSpec
from reds.pack.model import Kind
from reds.zoo.dnn import dnn
from tests.reds.support.subnets import specs

DENSE_WIDTHS = ((250, 12, 20, 8, 12), (250, 40, 20, 60, 12), (250, 144, 144, 144, 12))
"""Widths of three nested subnets of `dense_net`."""


def random_graph(seed: int) -> Graph:
    """A small graph in which every kind of layer may stand wherever its shape allows."""
    rng = np.random.default_rng(seed)

    def pick(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    net, units = Builder(pick(1, 4), pick(4, 9), pick(4, 9)), pick(12, 24)
    x = net.conv(net.input, units, (pick(1, 4), 3), (pick(1, 2), 1), padding=("valid", "same")[pick(0, 1)])
    for _ in range(pick(1, 4)):
        site = net._tensors[x]
        kernel, stride = (pick(1, 3), pick(1, 3)), (pick(1, 2), pick(1, 2))
        window = min(kernel[0], site.height), min(kernel[1], site.width)
        relu, norm = bool(pick(0, 1)), bool(pick(0, 1))
        match pick(0, 4):
            case 0:
                units = pick(12, 24)
                x = net.conv(x, units, kernel, stride, relu=relu, norm=norm)
            case 1:
                x = net.depthwise(x, kernel, stride, relu=relu)
            case 2:
                x = net.add(net.conv(x, units, kernel, relu=norm), x, relu=relu)
            case 3:
                x = net.pool(x, window, stride, Kind.MAX_POOL)
            case 4:
                x = net.pool(x, window, stride)
    if pick(0, 1):
        x = net.pool(x)
    x = net.flatten(x)
    if pick(0, 1):
        x = net.dense(x, pick(12, 24))
    net.dense(x, 5, relu=False, norm=False)
    return net.build()


def dense_net(seed: int = 0, units: tuple[int, ...] = (144, 144, 144)) -> ElasticNet:
    """A full DNN of three hidden layers of these units, with random weights and norms."""
    return random_net(dnn("s").resized((250, *units, 12)), seed)


def thirds(graph: Graph) -> tuple[SubnetSpec, ...]:
    """Three nested subnets: about a third of the units of each group, two thirds, everything."""
    return specs(
        *(tuple(max(1, n.units * k // 3) if n.cut else n.units for n in graph.groups) for k in (1, 2, 3))
    )


@torch.no_grad()
def random_net(graph: Graph, seed: int = 0) -> ElasticNet:
    """A full net whose norms have random statistics and affines, and so has its standardization."""
    torch.manual_seed(seed)
    net = ElasticNet(graph)
    if len(net.mean) > 1:
        net.mean.copy_(torch.randn(len(net.mean)))
        net.std.copy_(torch.rand(len(net.std)) + 0.5)
    for after in net.subnet_affines(0):
        for name, value in after.state_dict().items():
            if name == "running_var":
                value.copy_(torch.rand(len(value)) + 0.5)
            elif value.ndim:
                value.copy_(torch.randn(len(value)))
    return net.eval()


def features(graph: Graph, n: int, seed: int = 0) -> torch.Tensor:
    """Normal features float32 [n, features] for a graph."""
    source = graph.tensors[0]
    torch.manual_seed(seed)
    return torch.randn(n, source.height * source.width * graph.full[0])


@torch.no_grad()
def settled(net: ElasticNet, x: torch.Tensor) -> ElasticNet:
    """The net with the statistics of x in every subnet's norms; no unit is all but constant."""
    norms = [norm for norm in net.affines.modules() if isinstance(norm, torch.nn.BatchNorm1d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.bias.abs_()
    net.train()
    for i in range(len(net.subnets)):
        net(x, i)
    for norm in norms:
        assert norm.running_var is not None
        norm.running_var.clamp_min_(0.1 * float(norm.running_var.mean()))
    return net.eval()
