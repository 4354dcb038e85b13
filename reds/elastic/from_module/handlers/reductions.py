"""Convert reductions over positions, and upsampling."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import nn

from reds.elastic.from_module.arranging import new_strides
from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.convolutions import form, pair
from reds.elastic.from_module.handlers.functions import pointwise
from reds.elastic.from_module.handlers.normalization import unit_mean
from reds.elastic.from_module.layout import contiguous, moved, size
from reds.elastic.from_module.steps import Value, fresh
from reds.pack.model import Kind


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
    rest = tuple(() if at in over else each for at, each in enumerate(x.axes) if keepdim or at not in over)
    if not pieces:
        return x.with_axes(rest)
    if any(piece in x.examples or not piece[1] for piece in pieces):
        c.reject("reduces examples or repeated values", "reduce positions only")
    height, width, units = x.step.dims
    if any(stride < units for _, stride in pieces):
        if kind is Kind.MAX_POOL:
            c.reject("reduces units, of which a subnet keeps the first", "reduce positions only")
        return unit_mean(c, x, over, rest)
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
