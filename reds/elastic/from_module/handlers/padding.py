"""Convert padding with zeros, which the window after it takes over."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.convolutions import form, padded, pair
from reds.elastic.from_module.steps import Value, fresh

LOWEST = -1e30
"""Numbers below are taken for the lowest one, with which exporters pad before a max pool."""


@handles(nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d)
def pad_module(c: Conversion, x: Value) -> Value:
    """Convert a padding that is a module."""
    m = c.module
    assert isinstance(m, nn.ConstantPad1d | nn.ConstantPad2d)
    return pad(c, x, m.padding, "constant", m.value)


@handles(F.pad, torch._C._nn.pad)
def pad(
    c: Conversion, x: Value, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Value:
    """Convert a padding with zeros, or before a max pool with values that never win."""
    sides = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    sides = [(0, 0)] * (len(x.axes) - len(sides)) + [(int(a), int(b)) for a, b in sides]
    lowest = mode == "replicate" or (value is not None and value < LOWEST)
    if mode not in ("constant", "replicate") or (value and not lowest):
        c.reject("pads with other values than zeros", "pad with zeros")
    if min(map(min, sides)) < 0:
        c.reject("cuts its input", "pad with 0 or more, and cut by a slice")
    if not any(map(any, sides)):
        return x
    if len(x.axes) < 3 or any(sides[0]):
        c.reject("pads other axes than positions", "pad rows and columns only")
    x, back = c.steps.units_second(x)
    sides = [sides[back.index(i)] for i in range(len(sides))]
    x = c.steps.spatial(x)
    if any(sides[1]):
        if any(map(any, sides[2:])):
            c.reject("pads units and positions at once", "pad one after the other")
        return _more_units(c, x, *sides[1]).turned(back)
    (top, left), (bottom, right) = (pair(x, [each[end] for each in sides[2:]], 0) for end in (0, 1))
    step, padding = padded(x, (top, left, bottom, right), lowest)
    dims = x.step.dims[0] + top + bottom, x.step.dims[1] + left + right, x.step.units
    new = c.steps.add("pad", [step], dims, options={"padding": padding, "lowest": lowest})
    return fresh(new, c.batch, form(x)).turned(back)


def _more_units(c: Conversion, x: Value, front: int, back: int) -> Value:
    """Return the value with units of zeros, by a convolution that copies the others."""
    height, width, units = x.step.dims
    weight = torch.zeros(front + units + back, units, 1, 1)
    weight[front : front + units, :, 0, 0] = torch.eye(units)
    options = {
        "units": len(weight), "kernel": (1, 1), "stride": (1, 1), "padding": (0, 0, 0, 0),
        "dilation": (1, 1), "groups": 1,
    }  # fmt: skip
    new = c.steps.add("conv", [x.step], (height, width, len(weight)), options=options, weight=weight)
    return fresh(new, c.batch, form(x))
