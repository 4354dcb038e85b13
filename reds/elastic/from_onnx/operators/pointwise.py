"""Translate functions of single values, sums, products and softmax."""

import operator as python
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, fx

from reds.elastic.from_onnx.operators.calls import OPERATORS, OnnxNode, operator

_PLAIN: Mapping[str, Callable[..., Any]] = {
    "Relu": F.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "HardSwish": F.hardswish, "Mish": F.mish,
    "Softplus": F.softplus, "Erf": torch.erf, "Exp": torch.exp, "Sqrt": torch.sqrt, "Neg": torch.neg,
    "Reciprocal": torch.reciprocal, "Abs": torch.abs, "Log": torch.log, "Softsign": F.softsign,
}  # fmt: skip
_BOTH: Mapping[str, Callable[..., Any]] = {
    "Add": python.add, "Sub": python.sub, "Mul": python.mul, "Div": python.truediv,
}  # fmt: skip
_REFUSED = {
    **dict.fromkeys(
        ("LSTM", "GRU", "RNN"),
        ("is a recurrent layer, whose state a pack does not keep", "use causal convolutions or attention"),
    ),
    **dict.fromkeys(
        ("InstanceNormalization", "GroupNormalization", "LpNormalization", "LRN"),
        ("is a norm of the present input over positions", "use batch norm, or layer norm over units"),
    ),
}


def _plain(function: Callable[..., Any]) -> Callable[[OnnxNode], fx.Node]:
    return lambda node: node.call(function, node.x)


def _both(function: Callable[..., Any]) -> Callable[[OnnxNode], fx.Node]:
    return lambda node: node.call(function, *node.inputs)


def _refused(reason: str, remedy: str) -> Callable[[OnnxNode], NoReturn]:
    return lambda node: node.refuse(reason, remedy)


OPERATORS.update({name: _plain(function) for name, function in _PLAIN.items()})
OPERATORS.update({name: _both(function) for name, function in _BOTH.items()})
OPERATORS.update({name: _refused(*why) for name, why in _REFUSED.items()})


@operator("Sum")
def _sum(node: OnnxNode) -> Any:
    total, *others = node.inputs
    for each in others:
        total = node.call(python.add, total, each)
    return total


@operator("Elu")
def _elu(node: OnnxNode) -> fx.Node:
    return node.call(F.elu, node.x, node.get("alpha", 1.0))


@operator("LeakyRelu")
def _leaky_relu(node: OnnxNode) -> fx.Node:
    return node.call(F.leaky_relu, node.x, node.get("alpha", 0.01))


@operator("Selu")
def _selu(node: OnnxNode) -> fx.Node:
    y = node.call(F.elu, node.x, node.get("alpha", 1.6732631921768188))
    return node.call(python.mul, y, node.get("gamma", 1.0507010221481323))


@operator("Gelu")
def _gelu(node: OnnxNode) -> fx.Node:
    return node.call(F.gelu, node.x, approximate=node.get("approximate", "none"))


@operator("HardSigmoid")
def _hard_sigmoid(node: OnnxNode) -> fx.Node:
    y = node.call(python.mul, node.x, node.get("alpha", 0.2))
    return node.call(torch.clamp, node.call(python.add, y, node.get("beta", 0.5)), 0.0, 1.0)


@operator("Clip")
def _clip(node: OnnxNode) -> fx.Node:
    limits = [node.constant(i) for i in (1, 2)]
    low, high = (None if each is None else float(each) for each in limits)
    return node.x if low is None and high is None else node.call(torch.clamp, node.x, low, high)


@operator("Pow")
def _pow(node: OnnxNode) -> fx.Node:
    power = node.constant(1)
    if power is None or power.numel() != 1:
        node.refuse("has a power for each value", "use one number")
    return node.call(torch.pow, node.x, float(power))


@operator("PRelu")
def _prelu(node: OnnxNode) -> fx.Node:
    slope = node.constant(1)
    if slope is None:
        node.refuse("has no constant slopes", "export it again")
    rank = len(node.shape)
    sides = [1] * (rank - slope.ndim) + list(slope.shape)
    at = next((i for i, side in enumerate(sides) if side > 1), 1)
    if slope.numel() != sides[at]:
        node.refuse("has a slope for each position", "share slopes over positions")
    if at == 1:
        return node.call(F.prelu, node.x, slope.flatten())
    first = node.call(torch.movedim, node.x, at, 1)
    return node.call(torch.movedim, node.call(F.prelu, first, slope.flatten()), 1, at)


@operator("Softmax")
def _softmax(node: OnnxNode) -> fx.Node:
    return node.call(torch.softmax, node.x, node.get("axis", -1))


@operator("LogSoftmax")
def _log_softmax(node: OnnxNode) -> fx.Node:
    return node.call(torch.log_softmax, node.x, node.get("axis", -1))


@operator("Identity", "Dropout", "Cast")
def _same(node: OnnxNode) -> Any:
    if node.get("to", 1) not in (1, 10, 11, 16):
        node.refuse("casts to whole numbers", "keep real numbers")
    return node.x


@operator("Concat")
def _concat(node: OnnxNode) -> fx.Node:
    given = [node.call("clone", each) if isinstance(each, Tensor) else each for each in node.inputs]
    return node.call(torch.cat, given, node.get("axis"))
