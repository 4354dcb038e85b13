"""Measure how far int8 transformers with random weights are from float ones.

`python -m tests.int8_transformers` prints for each net and percentile of its ranges the root mean square
error of its outputs, as a share of their deviation, and how often the largest output is the same one. Nets
called `outliers` have a few units ten times as large as the others in every layer norm and in the stream,
as trained transformers do.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch

from reds.data.catalog import SETS
from reds.elastic.net import ElasticNet
from reds.graph import Graph
from reds.pack.model import Kind
from reds.pack.scale import Scale
from reds.quantization.calibrate import ranges
from reds.quantization.quantize import quantize
from reds.quantization.range_search import PERCENTILES, outputs
from reds.zoo.keyword_transformer import keyword_transformer
from reds.zoo.vit import vit, vit_xs

EXAMPLES, CALIBRATION = 16, 64
EVERY = 16
"""One unit in so many is an outlier."""
NETS: Mapping[str, Callable[[], Graph]] = {
    "keyword transformer": keyword_transformer,
    "vit-xs": vit_xs,
    "vit-ti 32 x 32": lambda: vit("ti", 32, 32, classes=10, patch=4),
}


@torch.no_grad()
def random_transformer(graph: Graph, seed: int, outliers: bool) -> ElasticNet:
    """Return a net with random weights of Glorot's size, and gains and offsets of its norms near 1 and 0."""
    torch.manual_seed(seed)
    net = ElasticNet(graph).eval()
    for layer, weight, affine in zip(graph.layers, net.weights, net.subnet_affines(0), strict=True):
        if layer.kind is Kind.CONV:
            weight.mul_(0.5**0.5)
        for name, value in affine.named_parameters():
            value.copy_(torch.randn(len(value)) * 0.1 + float(name == "gain"))
            if outliers and layer.kind is Kind.LAYER_NORM:
                value[::EVERY] *= 10
        if outliers and layer.kind is Kind.EMBED:
            weight[::EVERY] *= 100
    return net


def main() -> None:
    """Print a row for each net."""
    for name, make in NETS.items():
        graph = make()
        shape = graph.tensors[0]
        features = torch.randn(CALIBRATION, shape.positions * shape.channels(graph.full))
        source = replace(SETS["cifar-10"], scale=1 / 32, zero=0)
        x = Scale(source.scale, source.zero, np.zeros(1)).stored(features.numpy())
        real = torch.from_numpy(source.real(x))
        for outliers in (False, True):
            net = random_transformer(graph, 0, outliers)
            due = net(real[:EXAMPLES], 0).detach().numpy()
            found = []
            for seen in ranges(net, real, PERCENTILES):
                model = quantize(net, name="net", ranges=seen, source=source)
                y = outputs(model, 0, x[:EXAMPLES])
                error = np.sqrt(((y - due) ** 2).mean()) / due.std()
                found.append(f"{error:.3f} ({(y.argmax(1) == due.argmax(1)).mean():.0%})")
            print(f"{name}{', outliers' if outliers else ''}: {', '.join(found)}", flush=True)


if __name__ == "__main__":
    main()
