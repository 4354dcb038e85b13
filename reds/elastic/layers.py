"""Float operators of every layer kind, on tensors [N, height, width, units].

Units lie innermost, as in the integer network. Torch calls that order channels_last, and its convolutions are
fastest on it. Padding is the real value 0, which the integer network stores as the input's zero point. Only
the padding of a max pool never wins.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor

from reds.graph import Graph, Layer
from reds.pack.model import WEIGHTED, Kind


def weight_shape(graph: Graph, layer: Layer) -> tuple[int, ...]:
    """Return the shape of a layer's full weights.

    Dense: [out, in]. Convolution: [out, in, rows, columns], also transposed. Grouped convolution: [out, units
    of a block, rows, columns]. Depthwise: [units, 1, rows, columns]. Parametric ReLU: [units]. Embedding:
    [units, positions written]. Other kinds: [0].
    """
    source, target = graph.tensors[layer.inputs[0]], graph.tensors[layer.output]
    fan_in, out = source.channels(graph.full), target.channels(graph.full)
    shapes: dict[Kind, tuple[int, ...]] = {
        Kind.DENSE: (out, fan_in),
        Kind.CONV: (out, fan_in, *layer.kernel),
        Kind.DEPTHWISE: (out, 1, *layer.kernel),
        Kind.GROUPED: (out, layer.block, *layer.kernel),
        Kind.TRANSPOSED: (out, fan_in, *layer.kernel),
        Kind.PRELU: (out,),
        Kind.EMBED: (out, target.positions),
    }
    return shapes.get(layer.kind, (0,))


def dense(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Multiply [N, 1, 1, in] by the weights; return [N, 1, 1, out]."""
    return F.linear(x.flatten(1), weight)[:, None, None]


def conv(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Convolve blocks of as many units as the weights read: all units, each alone, or those of a group."""
    top, left, bottom, right = layer.padding
    if (top, left) != (bottom, right):
        x, top, left = pad(x, layer.padding), 0, 0
    groups, stride = x.shape[3] // weight.shape[1], layer.stride
    if layer.kernel == (1, 1) and stride != (1, 1):
        # oneDNN's gradient of a strided pointwise convolution writes past its workspace (its issue 6035).
        x, stride = x[:, :: stride[0], :: stride[1]], (1, 1)
    return units_last(F.conv2d(units_first(x), weight, None, stride, (top, left), layer.dilation, groups))


def transposed(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Add the kernel, times each input value, where the stride puts it; the padding is cut off."""
    y = F.conv_transpose2d(units_first(x), weight.transpose(0, 1), None, layer.stride)
    top, left, bottom, right = layer.padding
    return units_last(y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right])


def average_pool(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Return the mean of each window; padding counts as values of 0."""
    return units_last(F.avg_pool2d(units_first(pad(x, layer.padding)), layer.kernel, layer.stride))


def max_pool(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Return the largest value of each window, of those that the input has."""
    return units_last(F.max_pool2d(units_first(pad(x, layer.padding, -inf)), layer.kernel, layer.stride))


def upsample(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Write each position `stride` times, down and across."""
    return x.repeat_interleave(layer.stride[0], 1).repeat_interleave(layer.stride[1], 2)


def add(layer: Layer, graph: Graph, weight: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the sum; b has the height and width of a, or 1."""
    return a + b


def multiply(layer: Layer, graph: Graph, weight: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the product; b has the height and width of a, or 1."""
    return a * b


def concat(layer: Layer, graph: Graph, weight: Tensor, *inputs: Tensor) -> Tensor:
    """Put the units of the inputs side by side."""
    return torch.cat(inputs, 3)


def prelu(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Multiply values below 0 by the weight of their unit."""
    return torch.where(x < 0, x * weight, x)


def layer_norm(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Normalize the units of each position; gain and offset follow."""
    return F.layer_norm(x, x.shape[3:], eps=layer.eps)


def attention(layer: Layer, graph: Graph, weight: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return for each query and head the mean of the values, weighted by the softmax of its products."""
    q_heads, k_heads, v_heads = (split_heads(x, layer.block) for x in (q, k, v))
    return F.scaled_dot_product_attention(q_heads, k_heads, v_heads).transpose(1, 2).reshape(q.shape)


def split_heads(x: Tensor, size: int) -> Tensor:
    """Return [N, height, width, units] as [N, heads, positions, units of a head]."""
    return x.reshape(len(x), -1, x.shape[3] // size, size).transpose(1, 2)


def embed(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Add a weight to each unit of each position, behind positions of 0 if any are put in front."""
    front = layer.padding[0]
    if not front:
        return x + weight.T.reshape(x.shape[1:])
    return (F.pad(x.flatten(1, 2), (0, 0, front, 0)) + weight.T)[:, :, None]


def transpose(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Swap positions and units: [N, height, width, units] to [N, units, 1, positions]."""
    return x.flatten(1, 2).transpose(1, 2)[:, :, None].contiguous()


def reshape(layer: Layer, graph: Graph, weight: Tensor, x: Tensor) -> Tensor:
    """Give the same values in order the shape of the output."""
    target = graph.tensors[layer.output]
    return x.reshape(len(x), target.height, target.width, -1)


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
    Kind.GROUPED: conv,
    Kind.TRANSPOSED: transposed,
    Kind.UPSAMPLE: upsample,
    Kind.MULTIPLY: multiply,
    Kind.CONCAT: concat,
    Kind.PRELU: prelu,
    Kind.LAYER_NORM: layer_norm,
    Kind.ATTENTION: attention,
    Kind.EMBED: embed,
    Kind.TRANSPOSE: transpose,
    Kind.RESHAPE: reshape,
}


def run_layer(layer: Layer, graph: Graph, weight: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """Return a layer's output before its affine map, and before its ReLU or activation.

    Args:
        layer: The layer to run.
        graph: The graph that holds it.
        weight: Weights of `weight_shape`, or the view of them that a subnet uses.
        inputs: The input tensors float32 [N, height, width, units], as many as the layer has.
    """
    return OPERATORS[layer.kind](layer, graph, weight, *inputs)


def apply_relu(layer: Layer, y: Tensor) -> Tensor:
    """Clamp y at 0 and at the ReLU's ceiling, if it has one; y may be overwritten."""
    inplace = layer.kind in WEIGHTED  # in place on a view, torch would copy it
    return F.relu(y, inplace) if layer.ceiling == inf else F.hardtanh(y, 0.0, layer.ceiling, inplace)


def pad(x: Tensor, padding: Sequence[int], value: float = 0.0) -> Tensor:
    """Return x with rows and columns of a value added at the top, left, bottom and right."""
    top, left, bottom, right = padding
    return F.pad(x, (0, 0, left, right, top, bottom), value=value) if any(padding) else x


def units_first(x: Tensor) -> Tensor:
    """Return a view in torch's order of axes: [N, units, height, width]."""
    return x.permute(0, 3, 1, 2)


def units_last(x: Tensor) -> Tensor:
    """Return [N, units, height, width] as contiguous [N, height, width, units]; [N, features] as it is."""
    return x.movedim(1, -1).contiguous()
