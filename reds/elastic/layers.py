"""Float operators of every layer kind, on tensors [N, height, width, units].

Units lie innermost, as in the integer network. Torch calls that order channels_last, and its convolutions are
fastest on it. Padding is the real value 0, which the integer network stores as the input's zero point.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf

import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.graph import Graph, Layer
from reds.pack.model import WEIGHTED, Kind


def weight_shape(graph: Graph, layer: Layer) -> tuple[int, ...]:
    """Return the shape of a layer's full weights.

    Dense: [out, in]. Conv: [out, in, rows, columns]. Depthwise: [units, 1, rows, columns]. Other kinds: [0].
    """
    out, fan_in = graph.full[layer.writes], graph.full[layer.reads] * layer.copies
    shapes = {
        Kind.DENSE: (out, fan_in),
        Kind.CONV: (out, fan_in, *layer.kernel),
        Kind.DEPTHWISE: (out, 1, *layer.kernel),
    }
    return shapes.get(layer.kind, (0,))


def dense(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Multiply [N, 1, 1, in] by the weights; return [N, 1, 1, out]."""
    return F.linear(x.flatten(1), weight)[:, None, None]


def conv(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Convolve all units, or each unit by itself (depthwise) where the weights have one input unit."""
    top, left, bottom, right = layer.padding
    if (top, left) != (bottom, right):
        x, top, left = F.pad(x, (0, 0, left, right, top, bottom)), 0, 0
    groups, stride = x.shape[3] // weight.shape[1], layer.stride
    if layer.kernel == (1, 1) and stride != (1, 1):
        # oneDNN's gradient of a strided pointwise convolution writes past its workspace (its issue 6035).
        x, stride = x[:, :: stride[0], :: stride[1]], (1, 1)
    return units_last(F.conv2d(units_first(x), weight, None, stride, (top, left), groups=groups))


def average_pool(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Return the mean of each window."""
    return units_last(F.avg_pool2d(units_first(x), layer.kernel, layer.stride))


def max_pool(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Return the largest value of each window."""
    return units_last(F.max_pool2d(units_first(x), layer.kernel, layer.stride))


def add(layer: Layer, graph: Graph, weight: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the sum of two tensors of one shape."""
    return a + b


def flatten(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Flatten [N, height, width, units] to [N, 1, 1, units * positions], all positions of a unit together."""
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


def run_layer(layer: Layer, graph: Graph, weight: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """Return a layer's output before its batch norm and ReLU.

    Args:
        layer: The layer to run.
        graph: The graph that holds it.
        weight: Weights of `weight_shape`, or the view of them that a subnet uses.
        inputs: The input tensors float32 [N, height, width, units]: two for an addition, else one.
    """
    return OPERATORS[layer.kind](layer, graph, weight, *inputs)


def apply_relu(layer: Layer, y: Tensor) -> Tensor:
    """Clamp y at 0 and at the ReLU's ceiling, if it has one; y may be overwritten."""
    inplace = layer.kind in WEIGHTED  # in place on a view, torch would copy it
    return F.relu(y, inplace) if layer.ceiling == inf else F.hardtanh(y, 0.0, layer.ceiling, inplace)


def units_first(x: Tensor) -> Tensor:
    """Return a view in torch's order of axes: [N, units, height, width]."""
    return x.permute(0, 3, 1, 2)


def units_last(x: Tensor) -> Tensor:
    """Return [N, units, height, width] as contiguous [N, height, width, units]; [N, features] as it is."""
    return x.movedim(1, -1).contiguous()
