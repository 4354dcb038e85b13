"""Convert linear layers, norms and learned slopes."""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.arithmetic import multiply
from reds.elastic.from_module.handlers.functions import pointwise
from reds.elastic.from_module.handlers.parts import part
from reds.elastic.from_module.layout import axis, size
from reds.elastic.from_module.steps import Norm, Value


@handles(nn.Linear)
def linear_module(c: Conversion, x: Value) -> Value:
    """Convert a linear layer that is a module."""
    m = c.module
    assert isinstance(m, nn.Linear)
    return linear(c, x, m.weight, m.bias)


@handles(F.linear)
def linear(c: Conversion, input: Value, weight: Any, bias: Tensor | None = None) -> Value:
    """Convert a linear layer over the last axis, for every position."""
    if not isinstance(weight, Tensor) or not isinstance(input, Value):
        c.reject("has computed weights", "use constant weights")
    x, last = input, len(input.axes) - 1
    if not x.has_units(last) and size(x.inside(x.axes[last])) == prod(x.step.dims) == x.shape[last]:
        x, weight = _flattened(c, x, weight)
    x = c.steps.with_units(x, last)
    new = c.steps.add("dense", [x.step], (*x.step.dims[:2], len(weight)), weight=weight, bias=bias)
    return x.after(new, last)


def _flattened(c: Conversion, x: Value, weight: Tensor) -> tuple[Value, Tensor]:
    """Return all values of an example in the order of a flatten, and the weights in that order.

    A flatten keeps the positions of a unit together, so that units can be cut.
    """
    height, width, units = x.step.dims
    features = x.inside(x.axes[-1])
    step = c.steps.flattened(x.step)
    at = torch.zeros((), dtype=torch.long)
    for n, stride in features:
        at = at[..., None] + stride * torch.arange(n)
    place = torch.arange(height * width * units).reshape(units, -1).T.reshape(-1)  # of each value in memory
    columns = torch.empty_like(place)
    columns[place[at.reshape(-1)]] = torch.arange(len(place))
    axes = (*x.axes[:-1], axis(step.units, 1))
    return Value(step, axes, x.batch), weight[:, columns]


@handles(nn.BatchNorm1d, nn.BatchNorm2d)
def batch_norm_module(c: Conversion, x: Value) -> Value:
    """Convert a batch norm that is a module."""
    m = c.module
    assert isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)
    return batch_norm(c, x, m.running_mean, m.running_var, m.weight, m.bias, eps=m.eps)


@handles(F.batch_norm)
def batch_norm(
    c: Conversion, input: Value, running_mean: Tensor | None, running_var: Tensor | None,
    weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:  # fmt: skip
    """Convert a batch norm over the second axis."""
    if running_mean is None or running_var is None or training:
        c.reject("keeps no statistics", "use track_running_stats=True")
    rows = [stride for _, stride in input.inside(input.axes[1]) if stride >= input.step.units]
    if rows and any(map(input.inside, input.axes[2:])):
        c.reject(
            "normalizes parts of rows as units of their own (a sub-spectral norm)", "normalize whole units"
        )
    x = c.steps.with_units(input, 1)
    one, zero = torch.ones(len(running_mean)), torch.zeros(len(running_mean))
    gain, offset = one if weight is None else weight, zero if bias is None else bias
    norm = Norm(running_mean, running_var, gain, offset, eps)
    return x.over(c.steps.add("norm", [x.step], x.step.dims, norm=norm))


@handles(nn.LayerNorm)
def layer_norm_module(c: Conversion, x: Value) -> Value:
    """Convert a layer norm that is a module."""
    m = c.module
    assert isinstance(m, nn.LayerNorm)
    return layer_norm(c, x, m.normalized_shape, m.weight, m.bias, m.eps)


@handles(F.layer_norm)
def layer_norm(
    c: Conversion, input: Value, normalized_shape: Sequence[int], weight: Tensor | None = None,
    bias: Tensor | None = None, eps: float = 1e-5,
) -> Value:  # fmt: skip
    """Convert a layer norm over the last axis."""
    if len(normalized_shape) != 1:
        c.reject(
            f"normalizes {[*normalized_shape]}, positions too, and a subnet's layer norm is over units",
            "normalize the units of each position",
        )
    x = c.steps.with_units(input, len(input.axes) - 1)
    units = x.step.units
    gain = torch.ones(units) if weight is None else weight
    offset = torch.zeros(units) if bias is None else bias
    new = c.steps.add("layer_norm", [x.step], x.step.dims, options={"eps": eps}, weight=gain, bias=offset)
    return x.over(new)


@handles(nn.PReLU)
def prelu_module(c: Conversion, x: Value) -> Value:
    """Convert a ReLU of learned slopes that is a module."""
    return prelu(c, x, c.module.weight)


@handles(F.prelu, torch.prelu, "prelu")
def prelu(c: Conversion, x: Value, weight: Any) -> Value:
    """Convert a ReLU of learned slopes over the second axis."""
    if not isinstance(weight, Tensor):
        c.reject("has computed slopes", "use constant slopes")
    if weight.numel() > 1 or x.has_units(1 % len(x.axes)):
        x = c.steps.with_units(x, 1)
    slopes = weight.flatten().expand(x.step.units).clone()
    return x.over(c.steps.add("prelu", [x.step], x.step.dims, weight=slopes))


@handles(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout)
def dropout_module(c: Conversion, x: Value) -> Value:
    """Pass a tensor on, unless the module drops at inference too."""
    return dropout(c, x, training=c.module.training)


@handles(F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, torch.dropout)
def dropout(c: Conversion, x: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> Value:
    """Pass a tensor on, unless the call drops at inference too."""
    if training and p:
        c.reject("drops at inference too", "pass training=self.training")
    return x


@handles(nn.GLU)
def glu_module(c: Conversion, x: Value) -> Value:
    """Convert a gated linear unit that is a module."""
    return glu(c, x, int(c.module.dim))  # type: ignore[arg-type]


@handles(F.glu)
def glu(c: Conversion, input: Value, dim: int = -1) -> Value:
    """Convert a gated linear unit: a half of the units times the sigmoid of the other half."""
    dim %= len(input.axes)
    half = input.shape[dim] // 2
    a, b = (part(c, input, dim, at, at + half, 1) for at in (0, half))
    return multiply(c, a, pointwise(c, torch.sigmoid, b))
