"""Convert convolutions, which slide weighted windows over positions."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.elastic.from_module.arranging import CannotArrangeError
from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.steps import Step, Value, fresh
from reds.graph.geometry import positions, reach
from reds.graph.parts import Padding


def is_across(x: Value) -> bool:
    """Return whether the positions of a tensor [N, units, positions] are the width of its step."""
    height, width, _ = x.step.dims
    return len(x.axes) == 3 and height == 1 < width


def pair(x: Value, sides: Any, other: int) -> tuple[int, int]:
    """Return rows and columns from torch's one number, or one number for each spatial axis.

    Args:
        x: The tensor, as `Steps.spatial` returns it.
        sides: The number or the numbers.
        other: The number for an axis that x does not have.
    """
    axes = len(x.axes) - 2
    numbers = tuple(sides) if isinstance(sides, Sequence) else (sides,) * axes
    first, last = (numbers * axes)[:axes][0], (numbers * axes)[:axes][-1]
    if axes == 2:
        return int(first), int(last)
    return (other, int(first)) if is_across(x) else (int(first), other)


def form(x: Value) -> str:
    """Return the letters of the axes of a tensor of the form of x."""
    return "nuhw" if len(x.axes) == 4 else "nuw" if is_across(x) else "nuh"


def spatial(c: Conversion, x: Value, weight: object) -> Value:
    """Return the input of a convolution with its positions in place; refuse weights that do not fit it."""
    if not isinstance(weight, Tensor):
        c.reject("has computed weights", "use constant weights")
    if weight.ndim != len(x.axes):
        c.reject(f"reads {[*x.shape]}", "give it [N, units, rows, columns] or [N, units, positions]")
    return c.steps.spatial(x)


def padded(x: Value, own: Padding, lowest: bool = False) -> tuple[Step, Padding]:
    """Return the step before a padding, and its padding together with the reader's own.

    Args:
        x: The tensor that may be padded.
        own: The reader's own padding.
        lowest: Whether the reader pads with the lowest number, and not with zeros.
    """
    if x.step.op != "pad":
        return x.step, own
    if x.step.options["lowest"] != lowest:
        raise CannotArrangeError(
            "reads another padding than its own", "pad with zeros, or let a max pool pad"
        )
    top, left, bottom, right = (a + b for a, b in zip(x.step.options["padding"], own, strict=True))
    return x.step.inputs[0], (top, left, bottom, right)


@handles(nn.Conv1d, nn.Conv2d)
def conv_module(c: Conversion, x: Value) -> Value:
    """Convert a convolution that is a module."""
    m = c.module
    assert isinstance(m, nn.Conv1d | nn.Conv2d)
    if m.padding_mode != "zeros" and any(m._reversed_padding_repeated_twice):
        c.reject(f"pads by the mode {m.padding_mode}", "pad with zeros")
    return conv(c, x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups)


@handles(F.conv1d, F.conv2d, torch.conv1d, torch.conv2d)
def conv(
    c: Conversion, x: Value, weight: Any, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Value:  # fmt: skip
    """Convert a convolution."""
    x = spatial(c, x, weight)
    kernel = pair(x, tuple(weight.shape[2:]), 1)
    strides, dilations = pair(x, stride, 1), pair(x, dilation, 1)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        sides: Padding = (total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2)
    else:
        sides = pair(x, 0 if padding == "valid" else padding, 0) * 2
    step, sides = padded(x, sides)
    before, after = step.dims, c.expected.shape
    units = len(weight)
    dims = positions(before[:2], reach(kernel, dilations), strides, sides)
    weight = weight.reshape(units, -1, *kernel)
    options: dict[str, Any] = {"kernel": kernel, "stride": strides, "padding": sides, "dilation": dilations}
    depthwise = 1 < groups == before[2] == units
    if not depthwise:
        options |= {"units": units, "groups": groups}
    new = c.steps.add(
        "depthwise" if depthwise else "conv", [step], (*dims, units), options=options,
        weight=weight, bias=bias,
    )  # fmt: skip
    assert units * dims[0] * dims[1] == after.numel() // c.batch
    return fresh(new, c.batch, form(x))


@handles(nn.ConvTranspose1d, nn.ConvTranspose2d)
def transposed_module(c: Conversion, x: Value, output_size: Any = None) -> Value:
    """Convert a transposed convolution that is a module."""
    m = c.module
    assert isinstance(m, nn.ConvTranspose1d | nn.ConvTranspose2d)
    return transposed(c, x, m.weight, m.bias, m.stride, m.padding, 0, m.groups, m.dilation)


@handles(F.conv_transpose1d, F.conv_transpose2d, torch.conv_transpose1d, torch.conv_transpose2d)
def transposed(
    c: Conversion, x: Value, weight: Any, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Value:  # fmt: skip
    """Convert a transposed convolution, whose padding at the end follows from its output's size."""
    x = spatial(c, x, weight)
    if groups != 1 or pair(x, dilation, 1) != (1, 1):
        c.reject("is a transposed convolution with groups or dilation", "use groups=1 and dilation=1")
    kernel, strides = pair(x, tuple(weight.shape[2:]), 1), pair(x, stride, 1)
    top, left = pair(x, padding, 0)
    height, width = pair(x, tuple(c.expected.shape[2:]), 1)
    full = [(n - 1) * s + k for n, s, k in zip(x.step.dims[:2], strides, kernel, strict=True)]
    bottom, right = full[0] - top - height, full[1] - left - width
    if min(bottom, right) < 0:
        c.reject("adds rows or columns at its end that no window reaches", "use a smaller output_padding")
    weight = weight.transpose(0, 1)
    options = {
        "units": len(weight), "kernel": kernel, "stride": strides, "padding": (top, left, bottom, right),
    }  # fmt: skip
    new = c.steps.add(
        "transposed", [x.step], (height, width, len(weight)), options=options,
        weight=weight.reshape(*weight.shape[:2], *kernel), bias=bias,
    )  # fmt: skip
    return fresh(new, c.batch, form(x))
