"""Make the torch module that computes the same as a node of an ONNX graph, or refuse the node by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from reds.elastic.from_module.windows import pair
from reds.elastic.from_onnx.values import Value
from reds.errors import NotElasticError

Sides = tuple[int, int, int, int]
"""Padding at top, left, bottom and right."""


@dataclass(frozen=True)
class OnnxNode:
    """Hold a node as its module needs it."""

    where: str
    """File, name and operator, for errors."""
    attributes: Mapping[str, Any]
    constants: tuple[Tensor | None, ...]
    """Inputs in order; None where an input is computed or left out."""
    read: tuple[Value, ...]
    """The inputs that are computed."""

    def constant(self, i: int) -> Tensor | None:
        """Return the input `i`, or None if it is computed or left out."""
        return self.constants[i] if i < len(self.constants) else None

    def refuse(self, reason: str, remedy: str) -> NoReturn:
        """Raise `NotElasticError` for this node."""
        raise NotElasticError(f"{self.where} {reason}: {remedy}")


class Sum:
    """Mark the sum of two computed tensors."""


@dataclass(frozen=True)
class Reshape:
    """Mark a new shape of every example."""

    shape: tuple[int, ...]


def _conv(node: OnnxNode) -> nn.Module:
    weight, bias = node.constant(1), node.constant(2)
    if weight is None:
        node.refuse("has computed weights", "export with constant weights")
    if weight.ndim != 4:
        node.refuse(f"has {weight.ndim - 2} spatial axes", "give it rows and columns")
    kernel, stride = pair(tuple(weight.shape[2:])), pair(tuple(node.attributes.get("strides", (1, 1))))
    groups, dilation = node.attributes.get("group", 1), pair(tuple(node.attributes.get("dilations", (1, 1))))
    top, left, bottom, right = _sides(node, kernel, stride)
    units, reads = len(weight), weight.shape[1] * groups
    conv = nn.Conv2d(reads, units, kernel, stride, 0, dilation, groups, bias is not None)
    conv.weight.copy_(weight)
    if conv.bias is not None and bias is not None:
        conv.bias.copy_(bias)
    if (top, left) == (bottom, right):
        conv.padding = (top, left)
        return conv
    return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), conv)


def _sides(node: OnnxNode, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Sides:
    """Return the padding of a window."""
    auto = node.attributes.get("auto_pad", b"NOTSET").decode()
    if auto == "VALID":
        return 0, 0, 0, 0
    if auto == "NOTSET":
        top, left, bottom, right = node.attributes.get("pads", (0, 0, 0, 0))
        return top, left, bottom, right
    halves = []
    for n, k, s in zip(node.read[0].held.shape[2:], kernel, stride, strict=True):
        all_ = max((-(-n // s) - 1) * s + k - n, 0)
        smaller = all_ // 2
        halves.append((smaller, all_ - smaller) if auto == "SAME_UPPER" else (all_ - smaller, smaller))
    return halves[0][0], halves[1][0], halves[0][1], halves[1][1]


def _linear(node: OnnxNode, weight: Tensor | None, bias: Tensor | None) -> nn.Module:
    """Return a linear layer of a weight [features, units]."""
    if weight is None or weight.ndim != 2:
        node.refuse("has no constant matrix of weights", "export with constant weights")
    order = node.read[0].order
    weight = weight if order is None else weight[order]
    linear = nn.Linear(weight.shape[0], weight.shape[1], bias is not None)
    linear.weight.copy_(weight.T)
    if linear.bias is not None and bias is not None:
        linear.bias.copy_(bias.flatten())
    return linear


def _gemm(node: OnnxNode) -> nn.Module:
    given = node.attributes
    if given.get("transA", 0) or given.get("alpha", 1) != 1 or given.get("beta", 1) != 1:
        node.refuse("scales or turns its input", "export a plain linear layer")
    weight = node.constant(1)
    return _linear(
        node, weight.T if weight is not None and given.get("transB", 0) else weight, node.constant(2)
    )


def _norm(node: OnnxNode) -> nn.Module:
    values = [node.constant(i) for i in range(1, 5)]
    if any(each is None for each in values) or node.attributes.get("training_mode", 0):
        node.refuse("has no constant statistics", "export it for inference")
    scale, shift, mean, variance = (each for each in values if each is not None)
    kind = nn.BatchNorm1d if node.read[0].sample.ndim == 2 else nn.BatchNorm2d
    norm = kind(len(scale), node.attributes.get("epsilon", 1e-5))
    state = {"weight": scale, "bias": shift, "running_mean": mean, "running_var": variance}
    norm.load_state_dict(state, strict=False)
    return norm


def _clip(node: OnnxNode) -> nn.Module:
    low, high = node.constant(1), node.constant(2)
    least, most = -inf if low is None else float(low), inf if high is None else float(high)
    return nn.ReLU() if (least, most) == (0, inf) else nn.Hardtanh(least, most)


def _pool(kind: type[nn.MaxPool2d] | type[nn.AvgPool2d]) -> Callable[[OnnxNode], nn.Module]:
    def make(node: OnnxNode) -> nn.Module:
        kernel = tuple(node.attributes["kernel_shape"])
        stride = tuple(node.attributes.get("strides", (1,) * len(kernel)))
        if len(kernel) != 2:
            node.refuse(f"has {len(kernel)} spatial axes", "give it rows and columns")
        if any(_sides(node, kernel, stride)):
            node.refuse("pads", "pool without padding, or let a conv have the stride")
        if set(node.attributes.get("dilations", (1,))) != {1}:
            node.refuse("is dilated", "use dilation 1")
        return kind(kernel, stride, ceil_mode=bool(node.attributes.get("ceil_mode", 0)))

    return make


def _reshape(node: OnnxNode) -> Reshape:
    before, to = node.read[0].sample, node.constant(1)
    if to is None:
        node.refuse("reshapes to a computed shape", "export with a fixed input shape")
    sides = [before.shape[i] if side == 0 else side for i, side in enumerate(to.tolist())]
    try:
        after = before.reshape(sides).shape
    except RuntimeError:
        node.refuse(f"reshapes {list(before.shape)} to {sides}", "export it again with this input shape")
    return _to(node, after)


def _to(node: OnnxNode, after: torch.Size) -> Reshape:
    before = node.read[0].sample.shape
    if not after or after[0] != before[0]:
        node.refuse(f"reshapes {list(before)} to {list(after)}", "keep the first axis")
    return Reshape(tuple(after[1:]))


def _flatten(node: OnnxNode) -> Reshape:
    before, axis = node.read[0].sample, node.attributes.get("axis", 1)
    return _to(node, before.flatten(1).shape if axis in (1, 1 - before.ndim) else torch.Size(()))


def _axes(node: OnnxNode) -> list[int]:
    axes = node.constant(1)
    return [] if axes is None else [axis % node.read[0].sample.ndim for axis in axes.tolist()]


def _squeeze(node: OnnxNode) -> Reshape:
    before, axes = node.read[0].sample, _axes(node)
    return _to(node, torch.Size(side for i, side in enumerate(before.shape) if i not in axes))


def _mean(node: OnnxNode) -> nn.Module:
    over = [1, 2] if node.read[0].last else [2, 3]
    if sorted(_axes(node)) != over or node.read[0].sample.ndim != 4:
        node.refuse("is a mean over other axes than rows and columns", "pool over both")
    pool = nn.AdaptiveAvgPool2d(1)
    if node.read[0].last and node.attributes.get("keepdims", 1):
        node.refuse("keeps axes of units last", "use keepdims=0")
    return pool if node.attributes.get("keepdims", 1) else nn.Sequential(pool, nn.Flatten())


def _constant(node: OnnxNode) -> NoReturn:
    node.refuse(
        "computes with a constant that no layer can take over",
        "place it after a conv or linear layer, by unit",
    )


def _pad(node: OnnxNode) -> nn.Module:
    """Return a padding of rows and columns with zeros."""
    sides, value = node.constant(1), node.constant(2)
    mode = node.attributes.get("mode", b"constant")
    if sides is None or len(sides) != 8 or mode != b"constant" or (value is not None and bool(value != 0)):
        node.refuse("pads with other values than zeros, or other axes", "pad rows and columns with zeros")
    _, _, top, left, _, _, bottom, right = sides.tolist()
    if sides.tolist() != [0, 0, top, left, 0, 0, bottom, right]:
        node.refuse("pads units", "pad rows and columns only")
    return nn.ZeroPad2d((left, right, top, bottom))


def _add(node: OnnxNode) -> Sum:
    if len(node.read) != 2:
        _constant(node)
    return Sum()


OPERATORS: Mapping[str, Callable[[OnnxNode], nn.Module | Sum | Reshape]] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": lambda node: _linear(node, node.constant(1), None),
    "BatchNormalization": _norm,
    "Relu": lambda node: nn.ReLU(),
    "Clip": _clip,
    "MaxPool": _pool(nn.MaxPool2d),
    "AveragePool": _pool(nn.AvgPool2d),
    "GlobalMaxPool": lambda node: nn.AdaptiveMaxPool2d(1),
    "GlobalAveragePool": lambda node: nn.AdaptiveAvgPool2d(1),
    "ReduceMean": _mean,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Add": _add,
    "Pad": _pad,
    **dict.fromkeys(("Sub", "Mul", "Div"), _constant),
}
"""Functions that make the torch module of a node, by the name of its operator."""
