"""Recognize a layer norm that is spelled out: the difference from the mean of units, over their deviation."""

from typing import Any

import torch

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.functions import pointwise
from reds.elastic.from_module.layout import Axes, contiguous, size
from reds.elastic.from_module.recognition import values_between
from reds.elastic.from_module.steps import Step, Value

_POINTS = torch.tensor([0.0, 0.25, 1.0, 9.0], dtype=torch.float64)
_CLOSE = 1e-6


def unit_mean(c: Conversion, x: Value, over: set[int], rest: Axes) -> Value:
    """Return the mean over all units, which a layer norm takes over."""
    pieces = [piece for at in sorted(over) for piece in x.axes[at]]
    if not contiguous(pieces) or size(pieces) != x.step.units:
        c.reject("reduces some units, of which a subnet keeps the first", "reduce positions only")
    step = c.steps.add("unit_mean", [x.step], (*x.step.dims[:2], 1))
    return Value(step, tuple(tuple((n, s // x.step.units) for n, s in each) for each in rest), x.batch)


def centered(c: Conversion, x: Value, mean: Value) -> Value | None:
    """Return a tensor less the mean of its units, or None if it is another difference."""
    if mean.step.op != "unit_mean" or mean.step.inputs[0] is not x.step:
        return None
    return x.over(c.steps.once("centered", x.step, x.step.dims))


def normalized(c: Conversion, x: Value, scale: Value, divided: bool) -> Value | None:
    """Return the layer norm of a centered tensor that is scaled, or None if the scale is no deviation.

    Args:
        c: The conversion.
        x: The tensor.
        scale: Its deviation if it is `divided`, else one over its deviation.
        divided: Whether x is divided by the scale, and not multiplied.
    """
    variance: Step = scale.step
    while variance.op == "pointwise" and len(variance.inputs) == 1:
        variance = variance.inputs[0]
    if x.step.op != "centered" or variance.op != "unit_mean":
        return None
    squares = values_between(x.step, variance.inputs[0], _POINTS - 2)
    root = values_between(variance, scale.step, _POINTS)
    if squares is None or root is None or bool(((_POINTS - 2) ** 2 - squares).abs().max() > _CLOSE):
        return None
    total = root**2 if divided else root**-2
    eps = float(total[0])
    if not 0 < eps < 1 or bool((total - _POINTS - eps).abs().max() > _CLOSE):
        return None
    units = x.step.units
    weight, bias = torch.ones(units), torch.zeros(units)
    before, options = x.step.inputs, {"eps": eps}
    return x.over(c.steps.add("layer_norm", before, x.step.dims, options=options, weight=weight, bias=bias))


@handles("var", torch.var)
def variance(
    c: Conversion, x: Value, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: int | None = None,
) -> Value:  # fmt: skip
    """Return the variance of units, which a layer norm takes over."""
    at = [dim] if isinstance(dim, int) else list(dim or ())
    over = {each % len(x.axes) for each in at}
    if (unbiased if correction is None else correction) or any(
        stride >= x.step.units for each in over for _, stride in x.axes[each]
    ):
        c.reject("is a variance of positions, or an unbiased one", "use nn.LayerNorm over the units")
    difference = x.over(c.steps.once("centered", x.step, x.step.dims))
    rest = tuple(() if i in over else each for i, each in enumerate(x.axes) if keepdim or i not in over)
    return unit_mean(c, pointwise(c, torch.square, difference), over, rest)
