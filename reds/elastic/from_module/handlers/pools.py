"""Convert pools over windows."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.convolutions import form, padded, pair
from reds.elastic.from_module.recognition import GRID
from reds.elastic.from_module.steps import Value, fresh
from reds.graph.geometry import positions
from reds.pack.model import Kind


@handles(nn.MaxPool1d, nn.MaxPool2d)
def max_pool_module(c: Conversion, x: Value) -> Value:
    """Convert a max pool that is a module."""
    m = c.module
    assert isinstance(m, nn.MaxPool1d | nn.MaxPool2d)
    return max_pool(c, x, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices)


@handles(F.max_pool1d, F.max_pool2d, torch.max_pool1d, torch.max_pool2d)
def max_pool(
    c: Conversion, x: Value, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Value:  # fmt: skip
    """Convert a max pool; a window over the edge pads at the end, and padding never wins."""
    x = _pooled(c, x)
    if pair(x, dilation, 1) != (1, 1) or return_indices:
        c.reject("is dilated or returns indices", "use dilation=1 and return_indices=False")
    lowest = x.step.op == "pad" and x.step.options["lowest"]
    if x.step.op == "pad" and not lowest:
        before = x.step.inputs[0]
        if before.op != "pointwise" or bool(
            (before.options["function"](*[GRID] * len(before.inputs)) < 0).any()
        ):
            c.reject(
                "reads zeros of a padding that may exceed its other values", "let the max pool pad itself"
            )
    return _slid(c, x, kernel_size, stride, padding, Kind.MAX_POOL, lowest)


@handles(nn.AvgPool1d, nn.AvgPool2d)
def average_pool_module(c: Conversion, x: Value) -> Value:
    """Convert an average pool that is a module."""
    m = c.module
    assert isinstance(m, nn.AvgPool1d | nn.AvgPool2d)
    divisor = getattr(m, "divisor_override", None)
    return average_pool(c, x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad, divisor)


@handles(F.avg_pool1d, F.avg_pool2d)
def average_pool(
    c: Conversion, x: Value, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Value:  # fmt: skip
    """Convert an average pool, which counts its padding."""
    x = _pooled(c, x)
    if divisor_override is not None:
        c.reject("has a divisor of its own", "leave divisor_override out")
    if not count_include_pad and any(pair(x, padding, 0)):
        c.reject("does not count its padding", "use count_include_pad=True, or no padding")
    return _slid(c, x, kernel_size, stride, padding, Kind.AVERAGE_POOL)


def _pooled(c: Conversion, x: Value) -> Value:
    """Return the input of a pool. Raises `NotElasticError` unless it is a batch of positions."""
    if f"{len(x.axes) - 2}d" not in c.name.lower() or x.axes[0] != x.examples:
        c.reject(f"pools {[*x.shape]}", "pool [N, units, rows, columns] or [N, units, positions] only")
    return c.steps.spatial(x)


def _slid(
    c: Conversion, x: Value, kernel_size: Any, stride: Any, padding: Any, kind: Kind, lowest: bool = False
) -> Value:
    kernel = pair(x, kernel_size, 1)
    strides = pair(x, stride if stride else kernel_size, 1)
    step, sides = padded(x, pair(x, padding, 0) * 2, lowest)
    top, left, bottom, right = sides
    after = pair(x, tuple(c.expected.shape[2:]), 1)
    over = [
        (n - 1) * s + k - before - first - last
        for n, s, k, before, first, last in zip(
            after, strides, kernel, step.dims[:2], (top, left), (bottom, right), strict=True
        )
    ]
    if max(over) > 0:
        if kind is Kind.AVERAGE_POOL:
            c.reject("has windows that reach over the edge", "use ceil_mode=False")
        bottom, right = bottom + max(over[0], 0), right + max(over[1], 0)
    sides = top, left, bottom, right
    if positions(step.dims[:2], kernel, strides, sides) != after:
        c.reject(f"gives {after[0]} x {after[1]} positions", "use ceil_mode=False")
    options = {"kernel": kernel, "stride": strides, "padding": sides, "kind": kind}
    return fresh(c.steps.add("pool", [step], (*after, step.units), options=options), c.batch, form(x))


@handles(
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, F.adaptive_avg_pool1d, F.adaptive_avg_pool2d,
    torch.adaptive_avg_pool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, F.adaptive_max_pool1d,
    F.adaptive_max_pool2d,
)  # fmt: skip
def adaptive_pool(c: Conversion, x: Value, *_: Any, **__: Any) -> Value:
    """Convert a pool to a number of positions, which the trace knows."""
    x = _pooled(c, x)
    before, after = x.shape[2:], tuple(c.expected.shape[2:])
    if any(n % m for n, m in zip(before, after, strict=True)):
        c.reject("has windows of different sizes", f"pool to sides that divide {before}")
    kernel = [n // m for n, m in zip(before, after, strict=True)]
    return _slid(c, x, kernel, None, 0, Kind.MAX_POOL if "max" in c.name.lower() else Kind.AVERAGE_POOL)
