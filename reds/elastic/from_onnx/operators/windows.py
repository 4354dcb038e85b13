"""Translate convolutions, pools, linear layers and norms."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, fx

from reds.elastic.from_onnx.operators.calls import OnnxNode, operator

_CONV = {1: F.conv1d, 2: F.conv2d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d}
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d}
_AVERAGE_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d}


def _axes(node: OnnxNode) -> int:
    """Return the number of spatial axes. Refuses others than one and two."""
    axes = len(node.shape) - 2
    if axes not in (1, 2):
        node.refuse(f"has {axes} spatial axes", "give it rows and columns, or positions")
    return axes


def _weights(node: OnnxNode) -> tuple[Tensor, Tensor | None]:
    weight = node.constant(1)
    if weight is None or weight.ndim != _axes(node) + 2:
        node.refuse("has no constant weights", "export with constant weights")
    return weight, node.constant(2)


def _window(node: OnnxNode, kernel: Sequence[int]) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """Return strides, dilations, and the padding before and after, on each axis."""
    ones = [1] * len(kernel)
    stride, dilation = list(node.get("strides", ones)), list(node.get("dilations", ones))
    auto = node.get("auto_pad", "NOTSET")
    if auto == "VALID":
        return stride, dilation, [(0, 0)] * len(kernel)
    if auto == "NOTSET":
        pads = list(node.get("pads", [0] * 2 * len(kernel)))
        return stride, dilation, list(zip(pads[: len(kernel)], pads[len(kernel) :], strict=True))
    sides = []
    for n, k, s, d in zip(node.shape[2:], kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        smaller = total // 2
        sides.append((smaller, total - smaller) if auto == "SAME_UPPER" else (total - smaller, smaller))
    return stride, dilation, sides


def _padded(node: OnnxNode, sides: Sequence[tuple[int, int]]) -> tuple[fx.Node, list[int]]:
    """Return the input and the padding of the window; uneven padding becomes a call of its own."""
    if all(before == after for before, after in sides):
        return node.x, [before for before, _ in sides]
    return node.call(F.pad, node.x, [n for pair in reversed(sides) for n in pair]), [0] * len(sides)


@operator("Conv")
def _conv(node: OnnxNode) -> fx.Node:
    weight, bias = _weights(node)
    stride, dilation, sides = _window(node, weight.shape[2:])
    x, padding = _padded(node, sides)
    groups = node.get("group", 1)
    return node.call(_CONV[_axes(node)], x, weight, bias, stride, padding, dilation, groups)


@operator("ConvTranspose")
def _transposed(node: OnnxNode) -> fx.Node:
    weight, bias = _weights(node)
    kernel = weight.shape[2:]
    if node.get("output_shape") is not None:
        node.refuse("has an output_shape", "export it with pads")
    stride, dilation, sides = _window(node, kernel)
    total = [(d * (k - 1) + 1) - s for k, s, d in zip(kernel, stride, dilation, strict=True)]
    if node.get("auto_pad", "NOTSET").startswith("SAME"):
        upper = node.get("auto_pad") == "SAME_UPPER"
        halves = [(max(n, 0) // 2, max(n, 0) - max(n, 0) // 2) for n in total]
        sides = halves if upper else [(b, a) for a, b in halves]
    more = node.get("output_padding", [0] * len(kernel))
    axes, groups = _axes(node), node.get("group", 1)
    before = [min(side) for side in sides]
    y = node.call(_TRANSPOSED[axes], node.x, weight, bias, stride, before, more, groups, dilation)
    for i, (first, last) in enumerate(sides):
        if first != last:
            n = node.value(y).shape[2 + i]
            least = min(first, last)
            y = node.call(torch.narrow, y, 2 + i, first - least, n - first - last + 2 * least)
    return y


@operator("MaxPool")
def _max_pool(node: OnnxNode) -> fx.Node:
    kernel = list(node.get("kernel_shape"))
    stride, dilation, sides = _window(node, kernel)
    before, over = [side[0] for side in sides], any(after > first for first, after in sides)
    after = [
        (n + sum(side) - (k - 1) * d - 1) // s + 1
        for n, side, k, d, s in zip(node.shape[2:], sides, kernel, dilation, stride, strict=True)
    ]
    ceiling = bool(node.get("ceil_mode", 0)) or over
    y = node.call(_MAX_POOL[_axes(node)], node.x, kernel, stride, before, dilation, ceiling)
    if not node.get("ceil_mode", 0) and list(node.value(y).shape[2:]) != after:
        node.refuse(f"pads by {sides}", "pad both ends alike, or the end by less than the stride")
    return y


@operator("AveragePool")
def _average_pool(node: OnnxNode) -> fx.Node:
    kernel = list(node.get("kernel_shape"))
    stride, dilation, sides = _window(node, kernel)
    if set(dilation) != {1}:
        node.refuse("is dilated", "use dilation 1")
    counted = bool(node.get("count_include_pad", 0))
    if any(map(any, sides)) and not counted:
        node.refuse("does not count its padding", "use count_include_pad, or no padding")
    x, padding = _padded(node, sides)
    return node.call(
        _AVERAGE_POOL[_axes(node)], x, kernel, stride, padding, bool(node.get("ceil_mode", 0)), counted
    )


@operator("GlobalAveragePool")
def _global_average(node: OnnxNode) -> fx.Node:
    return node.call(torch.mean, node.x, list(range(2, len(node.shape))), True)


@operator("GlobalMaxPool")
def _global_max(node: OnnxNode) -> fx.Node:
    return node.call(torch.amax, node.x, list(range(2, len(node.shape))), True)


@operator("Gemm")
def _gemm(node: OnnxNode) -> fx.Node:
    weight, bias = node.constant(1), node.constant(2)
    if weight is None or node.get("transA", 0):
        node.refuse("turns its input", "export a plain linear layer")
    weight = (weight if node.get("transB", 0) else weight.T) * node.get("alpha", 1.0)
    bias = None if bias is None else (bias * node.get("beta", 1.0)).flatten().expand(len(weight))
    return node.call(F.linear, node.x, weight, bias)


@operator("MatMul")
def _matmul(node: OnnxNode) -> fx.Node:
    other = node.inputs[1]
    if isinstance(other, Tensor) and other.ndim == 2:
        return node.call(F.linear, node.x, other.T.contiguous())
    return node.call(torch.matmul, *node.inputs)


@operator("Einsum")
def _einsum(node: OnnxNode) -> fx.Node:
    """Call a linear layer for a product over the last axes, as Keras' attention has it."""
    reads, _, writes = node.get("equation").replace(" ", "").partition("->")
    x, _, w = reads.partition(",")
    weight = node.inputs[1]
    over = [letter for letter in x if letter not in writes]
    kept = x[: len(x) - len(over)]
    if (
        not isinstance(weight, Tensor)
        or x != kept + "".join(over)
        or writes != kept + w.replace("".join(over), "")
    ):
        node.refuse("is a product by a formula", "export matmul or linear layers")
    at = [w.index(letter) for letter in (*over, *writes[len(kept) :])]
    turned = weight.permute(at)
    matrix = turned.reshape(turned.shape[: len(over)].numel(), -1)
    sides = list(node.shape[: len(kept)])
    y = node.call(F.linear, node.call(torch.reshape, node.x, [*sides, len(matrix)]), matrix.T.contiguous())
    return node.call(torch.reshape, y, [*sides, *turned.shape[len(over) :]])


@operator("BatchNormalization")
def _norm(node: OnnxNode) -> fx.Node:
    if node.get("training_mode", 0):
        node.refuse("has no constant statistics", "export it for inference")
    scale, shift, mean, variance = (node.constant(i) for i in range(1, 5))
    return node.call(
        F.batch_norm, node.x, mean, variance, scale, shift, False, 0.0, node.get("epsilon", 1e-5)
    )


@operator("LayerNormalization")
def _layer_norm(node: OnnxNode) -> fx.Node:
    normalized = list(node.shape[node.get("axis", -1) :])
    return node.call(
        F.layer_norm, node.x, normalized, node.constant(1), node.constant(2), node.get("epsilon", 1e-5)
    )
