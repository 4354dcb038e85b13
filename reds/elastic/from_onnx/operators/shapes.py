"""Translate operators that change axes, or take parts."""

import operator as python
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import fx

from reds.elastic.from_onnx.operators.calls import OnnxNode, operator


@operator("Transpose")
def _transpose(node: OnnxNode) -> fx.Node:
    return node.call(torch.permute, node.x, list(node.get("perm", range(len(node.shape))[::-1])))


@operator("Reshape")
def _reshape(node: OnnxNode) -> fx.Node:
    to = node.constant(1)
    if to is None:
        node.refuse("reshapes to a computed shape", "export with a fixed input shape")
    keep = not node.get("allowzero", 0)
    sides = [node.shape[i] if side == 0 and keep else side for i, side in enumerate(to.tolist())]
    return node.call(torch.reshape, node.x, sides)


@operator("Flatten")
def _flatten(node: OnnxNode) -> fx.Node:
    if node.get("axis", 1) % len(node.shape) != 1:
        node.refuse("flattens the batch", "flatten from axis 1")
    return node.call(torch.flatten, node.x, 1)


def _sides(node: OnnxNode) -> list[int]:
    """Return the axes that an operator names by its second input, or its attribute."""
    given = node.constant(1)
    return list(node.get("axes", [])) if given is None else given.tolist()


@operator("Squeeze")
def _squeeze(node: OnnxNode) -> fx.Node:
    axes = [axis % len(node.shape) for axis in _sides(node)] or [
        i for i, n in enumerate(node.shape) if n == 1
    ]
    return node.call(torch.reshape, node.x, [n for i, n in enumerate(node.shape) if i not in axes])


@operator("Unsqueeze")
def _unsqueeze(node: OnnxNode) -> fx.Node:
    rank = len(node.shape) + len(_sides(node))
    sides = list(node.shape)
    for axis in sorted(axis % rank for axis in _sides(node)):
        sides.insert(axis, 1)
    return node.call(torch.reshape, node.x, sides)


@operator("Expand")
def _expand(node: OnnxNode) -> fx.Node:
    to = node.constant(1)
    assert to is not None
    return node.call(
        torch.broadcast_to,
        node.x,
        (torch.empty(node.shape) + torch.empty(to.tolist())).shape,
    )


@operator("ReduceMean", "ReduceSum", "ReduceMax")
def _reduce(node: OnnxNode) -> fx.Node:
    functions: dict[str, Any] = {"ReduceMean": torch.mean, "ReduceSum": torch.sum, "ReduceMax": torch.amax}
    axes = _sides(node) or list(range(len(node.shape)))
    return node.call(functions[node.kind], node.x, axes, bool(node.get("keepdims", 1)))


@operator("Slice")
def _slice(node: OnnxNode) -> fx.Node:
    starts, ends, axes, steps = (node.constant(i) for i in (1, 2, 3, 4))
    assert starts is not None
    assert ends is not None
    at = range(len(starts)) if axes is None else [axis % len(node.shape) for axis in axes.tolist()]
    strides = [1] * len(starts) if steps is None else steps.tolist()
    index: list[Any] = [slice(None)] * len(node.shape)
    for axis, start, end, stride in zip(at, starts.tolist(), ends.tolist(), strides, strict=True):
        index[axis] = slice(start, end, stride)
    return node.call(python.getitem, node.x, tuple(index))


@operator("Gather")
def _gather(node: OnnxNode) -> fx.Node:
    index, axis = node.constant(1), node.get("axis", 0)
    if index is None or index.numel() != 1:
        node.refuse("gathers several places", "take one place, or a range by Slice")
    taken = node.call(torch.select, node.x, axis, int(index))
    return taken if index.ndim == 0 else node.call(torch.unsqueeze, taken, axis)


@operator("Split")
def _split(node: OnnxNode) -> list[fx.Node]:
    axis, sizes = node.get("axis", 0), node.constant(1)
    if sizes is None:
        count = node.get("num_outputs", 1)
        whole = -(-node.shape[axis] // count)
        sides = [min(whole, node.shape[axis] - i * whole) for i in range(count)]
    else:
        sides = sizes.tolist()
    start, parts = 0, []
    for side in sides:
        parts.append(node.call(torch.narrow, node.x, axis, start, side))
        start += side
    return parts


@operator("Pad")
def _pad(node: OnnxNode) -> fx.Node:
    sides, value, axes = node.constant(1), node.constant(2), node.constant(3)
    rank, mode = len(node.shape), node.get("mode", "constant")
    if sides is None:
        node.refuse("pads by computed sizes", "export it again")
    given = sides.tolist()
    at = list(range(rank)) if axes is None else [axis % rank for axis in axes.tolist()]
    pairs = [(0, 0)] * rank
    for i, axis in enumerate(at):
        pairs[axis] = given[i], given[len(at) + i]
    flat = [n for pair in reversed(pairs) for n in pair]
    number = 0.0 if value is None else float(value)
    if mode == "edge" and not any(flat[2 * rank - 4 :]):
        return node.call(F.pad, node.x, flat[: 2 * rank - 4], "replicate")
    return node.call(F.pad, node.x, flat, mode, number)


@operator("Resize")
def _resize(node: OnnxNode) -> fx.Node:
    scales, sizes = node.constant(2), node.constant(3)
    sides: list[int] = []
    if scales is not None and scales.numel():
        sides = [round(n * s) for n, s in zip(node.shape, scales.tolist(), strict=True)]
    elif sizes is not None:
        sides = sizes.tolist()
    if list(node.shape[:2]) != sides[:2]:
        node.refuse("scales units", "scale rows and columns")
    mode = node.get("mode", "nearest")
    return node.call(
        F.interpolate, node.x, tuple(sides[2:]), None, "nearest" if mode == "nearest" else "bilinear"
    )
