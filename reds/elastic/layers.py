"""What each kind of layer computes in float, on tensors [N, height, width, units].

Units lie innermost, as in the integer network; torch calls that channels_last, and its convolutions are
fastest on it. Padding is the real value 0, which the integer network writes as the input's zero point.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf

import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.graph import Graph, Layer
from reds.pack.model import WEIGHTED, Kind


def shape(graph: Graph, layer: Layer) -> tuple[int, ...]:
    """Of a layer's weights: dense [out, in], conv [out, in, rows, columns], depthwise [units, 1, rows,
    columns], [0] without weights.
    """
    out, fan_in = graph.full[layer.writes], graph.full[layer.reads] * layer.copies
    shapes = {
        Kind.DENSE: (out, fan_in),
        Kind.CONV: (out, fan_in, *layer.kernel),
        Kind.DEPTHWISE: (out, 1, *layer.kernel),
    }
    return shapes.get(layer.kind, (0,))


def dense(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """[N, 1, 1, in] -> [N, 1, 1, out]."""
    return F.linear(x.flatten(1), weight)[:, None, None]


def conv(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Windows of all units; depthwise, where the weights have one input unit, of each unit by itself."""
    top, left, bottom, right = layer.padding
    if (top, left) != (bottom, right):
        x, top, left = F.pad(x, (0, 0, left, right, top, bottom)), 0, 0
    groups = x.shape[3] // weight.shape[1]
    return units_last(F.conv2d(units_first(x), weight, None, layer.stride, (top, left), groups=groups))


def average_pool(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """The mean of each window."""
    return units_last(F.avg_pool2d(units_first(x), layer.kernel, layer.stride))


def max_pool(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """The largest of each window."""
    return units_last(F.max_pool2d(units_first(x), layer.kernel, layer.stride))


def add(layer: Layer, graph: Graph, weight: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Two tensors of one shape."""
    return a + b


def flatten(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """[N, height, width, units] -> [N, 1, 1, units * sites], unit by unit."""
    return units_first(x).flatten(1)[:, None, None]


OPERATORS: Mapping[Kind, Callable[..., Tensor]] = {
    Kind.DENSE: dense,
    Kind.CONV: conv,
    Kind.DEPTHWISE: conv,
    Kind.AVERAGE_POOL: average_pool,
    Kind.MAX_POOL: max_pool,
    Kind.ADD: add,
    Kind.FLATTEN: flatten,
}


def run_layer(layer: Layer, graph: Graph, weight: Tensor, read: Sequence[Tensor]) -> Tensor:
    """What a layer writes, before its norm; `weight` is of `shape`, or the part of it that a subnet reads."""
    return OPERATORS[layer.kind](layer, graph, weight, *read)


def rectified(layer: Layer, y: Tensor) -> Tensor:
    """What a layer with a ReLU writes: from 0 up, to its ceiling if it has one; y may be overwritten."""
    inplace = layer.kind in WEIGHTED  # in place on a view, torch copies it
    return F.relu(y, inplace) if layer.ceiling == inf else F.hardtanh(y, 0.0, layer.ceiling, inplace)


def units_first(x: Tensor) -> Tensor:
    """Return a view in torch's order of axes: [N, units, height, width]."""
    return x.permute(0, 3, 1, 2)


def units_last(x: Tensor) -> Tensor:
    """Return [N, units, height, width] as contiguous [N, height, width, units]; [N, features] as it is."""
    return x.movedim(1, -1).contiguous()
