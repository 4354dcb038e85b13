"""Take a part of a tensor: of its units, by the rows of the weights before it, or of its positions."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import torch

from reds.elastic.from_module.arranging import SHUFFLED, new_strides
from reds.elastic.from_module.conversion import Conversion
from reds.elastic.from_module.layout import Axis, axis, contiguous, joined, moved, size
from reds.elastic.from_module.steps import Norm, Step, Value
from reds.pack.model import Kind


def index_axis(c: Conversion, x: Value, at: int, index: int) -> Value:
    """Return the part of one index along an axis, without the axis."""
    n = x.shape[at]
    taken = part(c, x, at, index % n, index % n + 1, 1)
    return taken.with_axes((*taken.axes[:at], *taken.axes[at + 1 :]))


def part(c: Conversion, x: Value, at: int, start: int, stop: int, step: int) -> Value:
    """Return a range along an axis."""
    pieces, n = x.axes[at], len(range(start, stop, step))
    if (start, step) == (0, 1) and stop >= size(pieces):
        return x
    if n < 1 or step < 1:
        c.reject("takes an empty part, or one in reverse", "take at least one index, forwards")
    if any(piece in x.examples for piece in pieces):
        c.reject("takes a part of the batch", "treat all examples alike")
    if all(not stride for _, stride in pieces):
        return x.with_axes((*x.axes[:at], ((n, 0),) if n > 1 else (), *x.axes[at + 1 :]))
    if all(stride < x.step.units for _, stride in pieces):
        return _units(c, x, at, range(start, stop, step))
    return _positions(c, x, at, range(start, stop, step))


def _units(c: Conversion, x: Value, at: int, kept: range) -> Value:
    """Return the units along one axis that are kept."""
    pieces = joined(x.axes[at])
    if len(pieces) != 1:
        c.reject(*SHUFFLED)
    (count, stride), units = pieces[0], x.step.units
    rows = [u for u in range(units) if u // stride % count in kept]
    strides = {
        (n, s): s if s < stride else s // count * len(kept) if s < units else s // units * len(rows)
        for n, s in chain.from_iterable(x.axes)
    }
    axes = (*x.axes[:at], (), *x.axes[at + 1 :])
    axes = moved(axes, strides)
    axes = (*axes[:at], axis(len(kept), stride), *axes[at + 1 :])
    return Value(_rows(c, x.step, rows), axes, x.batch)


def _rows(c: Conversion, step: Step, rows: Sequence[int]) -> Step:
    """Return a step that computes some units of another one."""
    dims = (*step.dims[:2], len(rows))
    at = torch.tensor(rows)
    if step.op in ("dense", "conv") and step.options.get("groups", 1) == 1:
        assert step.weight is not None
        bias = None if step.bias is None else step.bias[at]
        options = step.options | ({"units": len(rows)} if step.op == "conv" else {})
        return replace(step, dims=dims, options=options, weight=step.weight[at], bias=bias)
    inputs = (
        [_rows(c, each, rows) for each in step.inputs] if step.op in ("norm", "affine", "pointwise") else []
    )
    match step.op:
        case "norm":
            assert step.norm is not None
            old = step.norm
            norm = Norm(old.mean[at], old.variance[at], old.gain[at], old.offset[at], old.eps)
            return replace(step, dims=dims, inputs=inputs, norm=norm)
        case "affine":
            assert step.weight is not None
            assert step.bias is not None
            return replace(step, dims=dims, inputs=inputs, weight=step.weight[at], bias=step.bias[at])
        case "pointwise":
            return replace(step, dims=dims, inputs=inputs)
    c.reject(
        "splits the units of a tensor that no conv or linear layer computes alone, and a subnet keeps the"
        " first units of each tensor",
        "make one layer for each part",
    )


def _positions(c: Conversion, x: Value, at: int, kept: range) -> Value:
    """Return the positions along one axis that are kept."""
    pieces, (height, width, units) = x.axes[at], x.step.dims
    if contiguous(pieces, width * units) and size(pieces) == height:
        side = 0
    elif contiguous(pieces, units) and size(pieces) == width:
        side = 1
    else:
        x, side = _as_rows(c, x, at), 0
    dims = list(x.step.dims)
    length = dims[side]
    front, back = kept.start, length - 1 - kept[-1]
    if kept.step > 1:
        if front:
            c.reject("takes every nth position from another than the first on", "start at 0")
        dims[side] = len(kept)
        stride = (kept.step, 1) if side == 0 else (1, kept.step)
        options = {"kernel": (1, 1), "stride": stride, "padding": (0, 0, 0, 0), "kind": Kind.MAX_POOL}
        new = c.steps.add("pool", [x.step], (dims[0], dims[1], dims[2]), options=options)
    elif len(kept) == 1 and not front and x.step.positions == length:
        new = c.steps.add("first", [x.step], (1, 1, dims[2]))
    else:
        new = _cropped(x.step, side, front, back) or _shifted(c, x.step, side, front, back)
    return Value(new, _resized(x, new, at, side), x.batch)


def _as_rows(c: Conversion, x: Value, at: int) -> Value:
    """Return the value over a step whose height is one axis."""
    rows = x.inside(x.axes[at])
    rest = [piece for i, each in enumerate(x.axes) if i != at for piece in x.inside(each)]
    units = sorted((piece for piece in rest if piece[1] < x.step.units), key=lambda piece: -piece[1])
    columns = [piece for piece in rest if piece[1] >= x.step.units]
    step = c.steps.arranged(x, rows, columns, units)
    return Value(step, moved(x.axes, new_strides([*rows, *columns, *units], x)), x.batch)


def _resized(x: Value, new: Step, at: int, side: int) -> tuple[Axis, ...]:
    """Return the axes over a step that has another height or width than that of x."""
    (_, width, units), (_, new_width, _) = x.step.dims, new.dims
    total, new_total = x.step.positions * units, new.positions * units

    def stride(s: int) -> int:
        if s >= total:
            return s // total * new_total
        return s // width * new_width if s >= width * units and side == 1 else s

    axes = [tuple((n, new_total if (n, s) in x.examples else stride(s)) for n, s in each) for each in x.axes]
    axes[at] = axis(new.dims[side], new_width * units if side == 0 else units)
    return tuple(axes)


def _cropped(step: Step, side: int, front: int, back: int) -> Step | None:
    """Return a step without its first and last positions by less padding, or None if it cannot."""
    dims = list(step.dims)
    dims[side] -= front + back
    new_dims = dims[0], dims[1], dims[2]
    if step.op in ("norm", "affine", "pointwise"):
        inputs = [_cropped(each, side, front, back) for each in step.inputs]
        known = [each for each in inputs if each is not None]
        return replace(step, dims=new_dims, inputs=known) if len(known) == len(inputs) else None
    if step.op not in ("conv", "depthwise", "transposed"):
        return None
    options, padding = step.options, list(step.options["padding"])
    if step.op == "transposed":
        padding[side], padding[side + 2] = padding[side] + front, padding[side + 2] + back
        fits = max(padding[side], padding[side + 2]) < options["kernel"][side]
        return replace(step, dims=new_dims, options=options | {"padding": tuple(padding)}) if fits else None
    span = (options["kernel"][side] - 1) * options["dilation"][side] + 1
    stride, length = options["stride"][side], step.inputs[0].dims[side]
    before = padding[side] - front * stride
    after = max((dims[side] - 1) * stride + span - length - before, 0)
    fits = before >= 0 and after <= padding[side + 2]
    if not fits or (length + before + after - span) // stride + 1 != dims[side]:
        return None
    padding[side], padding[side + 2] = before, after
    return replace(step, dims=new_dims, options=options | {"padding": tuple(padding)})


def _shifted(c: Conversion, step: Step, side: int, front: int, back: int) -> Step:
    """Return a depthwise step of one weight 1 that leaves out the first and last positions."""
    height, width, units = step.dims
    taps = front + back + 1
    kernel = (taps, 1) if side == 0 else (1, taps)
    dims = (height - taps + 1, width, units) if side == 0 else (height, width - taps + 1, units)
    weight = torch.zeros(units, taps)
    weight[:, front] = 1
    options = {"kernel": kernel, "stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1)}
    return c.steps.add("depthwise", [step], dims, options=options, weight=weight.reshape(units, 1, *kernel))
