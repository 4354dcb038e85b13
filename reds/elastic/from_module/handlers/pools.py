"""Convert pools, reductions over positions and upsampling."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.arithmetic import pointwise
from reds.elastic.from_module.handlers.windows import form, padded, pair, windows
from reds.elastic.from_module.layout import Axes, contiguous, moved, size
from reds.elastic.from_module.recognition import GRID
from reds.elastic.from_module.steps import Value, fresh, new_strides
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
    if x.step.op == "pad":
        before = x.step.inputs[0]
        if before.op != "pointwise" or bool(
            (before.options["function"](*[GRID] * len(before.inputs)) < 0).any()
        ):
            c.reject(
                "reads zeros of a padding that may exceed its other values", "let the max pool pad itself"
            )
    return _slid(c, x, kernel_size, stride, padding, Kind.MAX_POOL)


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


def _slid(c: Conversion, x: Value, kernel_size: Any, stride: Any, padding: Any, kind: Kind) -> Value:
    kernel = pair(x, kernel_size, 1)
    strides = pair(x, stride if stride else kernel_size, 1)
    step, sides = padded(x, pair(x, padding, 0) * 2)
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
    if windows(step.dims, kernel, strides, sides) != after:
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


@handles("mean", torch.mean)
def mean(c: Conversion, x: Value, dim: Any = None, keepdim: bool = False, **_: Any) -> Value:
    """Convert a mean over positions."""
    return _reduced(c, x, dim, keepdim, Kind.AVERAGE_POOL)


@handles("sum", torch.sum)
def total(c: Conversion, x: Value, dim: Any = None, keepdim: bool = False, **_: Any) -> Value:
    """Convert a sum over positions."""
    y = _reduced(c, x, dim, keepdim, Kind.AVERAGE_POOL)
    count = size([piece for each in x.axes for piece in each]) / size(
        [piece for each in y.axes for piece in each]
    )
    return pointwise(c, lambda t: t * count, y)


@handles("amax", torch.amax)
def largest(c: Conversion, x: Value, dim: Any = None, keepdim: bool = False) -> Value:
    """Convert a maximum over positions."""
    return _reduced(c, x, dim, keepdim, Kind.MAX_POOL)


@handles("max", torch.max)
def largest_with_place(c: Conversion, x: Value, dim: Any = None, keepdim: bool = False) -> tuple[Value, None]:
    """Convert a maximum over positions, whose place nothing reads."""
    return _reduced(c, x, dim, keepdim, Kind.MAX_POOL), None


def _reduced(c: Conversion, x: Value, dim: Any, keepdim: bool, kind: Kind) -> Value:
    if not isinstance(dim, int | Sequence):
        c.reject("reduces all axes, or two tensors", "reduce positions only")
    over = {each % len(x.axes) for each in ([dim] if isinstance(dim, int) else dim)}
    pieces = [piece for at in sorted(over) for piece in x.axes[at]]
    rest: Axes = tuple(each for at, each in enumerate(x.axes) if keepdim or at not in over)
    if keepdim:
        rest = tuple(() if at in over else each for at, each in enumerate(x.axes))
    if not pieces:
        return x.with_axes(rest)
    if any(piece in x.examples or not piece[1] for piece in pieces):
        c.reject("reduces examples or repeated values", "reduce positions only")
    height, width, units = x.step.dims
    if any(stride < units for _, stride in pieces):
        c.reject(
            "reduces units, of which a subnet keeps the first", "reduce positions, or use a linear layer"
        )
    step, kept = x.step, [piece for each in rest for piece in x.inside(each)]
    kept.sort(key=lambda piece: -piece[1])
    if size(pieces) == height * width:
        kernel = height, width
    elif contiguous(pieces, width * units) and size(pieces) == height:
        kernel = height, 1
    elif contiguous(pieces, units) and size(pieces) == width:
        kernel = 1, width
    else:
        others = [piece for piece in kept if piece[1] >= units]
        inner = [piece for piece in kept if piece[1] < units]
        step, kernel = c.steps.arranged(x, pieces, others, inner), (size(pieces), 1)
    dims = step.dims[0] // kernel[0], step.dims[1] // kernel[1], units
    options = {"kernel": kernel, "stride": kernel, "padding": (0, 0, 0, 0), "kind": kind}
    new = c.steps.add("pool", [step], dims, options=options)
    return Value(new, moved(rest, new_strides(kept, x)), x.batch)


@handles(F.interpolate, nn.Upsample, nn.UpsamplingNearest2d)
def upsample(c: Conversion, x: Value, *_: Any, **keywords: Any) -> Value:
    """Convert an upsampling that copies the nearest value."""
    mode = keywords.get("mode", "nearest")
    if c.node.op == "call_module":
        mode = c.module.mode
    elif len(_) > 2:
        mode = _[2]
    if mode not in ("nearest", "nearest-exact"):
        c.reject(
            f"interpolates ({mode}), and an upsampling layer copies",
            "use mode='nearest', or a transposed conv",
        )
    x = c.steps.spatial(x)
    before, after = x.shape[2:], c.expected.shape[2:]
    if any(m % n for n, m in zip(before, after, strict=True)):
        c.reject(f"scales {[*before]} to {[*after]}", "scale by whole numbers")
    factors = pair(x, [m // n for n, m in zip(before, after, strict=True)], 1)
    height, width, units = x.step.dims
    dims = height * factors[0], width * factors[1], units
    return fresh(c.steps.add("upsample", [x.step], dims, options={"factors": factors}), c.batch, form(x))
