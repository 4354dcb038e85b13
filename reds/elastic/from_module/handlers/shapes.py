"""Operations that change axes alone: none of them needs a layer."""

import operator
from typing import Any

import torch
from torch import Tensor, nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.parts import index_axis, part
from reds.elastic.from_module.layout import reshaped
from reds.elastic.from_module.steps import Value


@handles(
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as", "ravel",
    torch.reshape, torch.flatten, torch.squeeze, torch.unsqueeze, torch.unflatten, torch.ravel, nn.Flatten,
    nn.Unflatten,
)  # fmt: skip
def reshape(c: Conversion, x: Value, *_: Any, **__: Any) -> Value:
    """Split and join axes, to the shape that the trace knows."""
    axes = reshaped(x.axes, c.expected.shape)
    if axes is None:
        c.reject(
            f"reshapes {[*x.shape]} to {[*c.expected.shape]}, which mixes axes",
            "split and join whole axes only",
        )
    if any(0 in (strides := [stride for _, stride in each]) and any(strides) for each in axes):
        x, back = c.steps.units_second(x.with_axes(axes))  # an upsampling by repeated values
        return c.steps.spatial(x).turned(back)
    return x.with_axes(axes)


@handles("repeat_interleave", torch.repeat_interleave)
def repeat_interleave(c: Conversion, x: Value, repeats: Any, dim: int | None = None, **_: Any) -> Value:
    """Repeat each position of an axis, as an upsampling does."""
    if dim is None or not isinstance(repeats, int):
        c.reject("repeats all values, or each another number of times", "repeat rows or columns")
    dim %= len(x.axes)
    axes = (*x.axes[:dim], (*x.axes[dim], (repeats, 0)), *x.axes[dim + 1 :])
    x, back = c.steps.units_second(x.with_axes(axes))
    return c.steps.spatial(x).turned(back)


@handles(
    "permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t",
    torch.permute, torch.transpose, torch.swapaxes, torch.swapdims, torch.movedim, torch.moveaxis, torch.t,
)  # fmt: skip
def permute(c: Conversion, x: Value, *args: Any, **kwargs: Any) -> Value:
    """Reorder axes."""
    marked = torch.empty(tuple(range(2, len(x.axes) + 2)), device="meta")
    target = c.node.target
    turned = (
        getattr(marked, target)(*args, **kwargs)
        if isinstance(target, str)
        else target(marked, *args, **kwargs)
    )
    return x.with_axes(tuple(x.axes[side - 2] for side in turned.shape))


@handles(getattr)
def attribute(c: Conversion, x: Value | tuple[Value, None], name: str) -> Value:
    """Reorder axes by an attribute, or return the values of a maximum."""
    if isinstance(x, tuple):
        if name != "values":
            c.reject(f"reads the {name} of a maximum", "read its values only")
        return x[0]
    if name == "data":
        return x
    if name not in ("T", "mT"):
        c.reject(f"reads the attribute {name}", "use methods of torch.Tensor")
    turned = x.axes[::-1] if name == "T" else (*x.axes[:-2], x.axes[-1], x.axes[-2])
    return x.with_axes(turned)


@handles(
    "contiguous", "clone", "detach", "float", "to", "type_as", "requires_grad_", "cpu", "type", "double",
    "half",
    torch.clone, torch.detach, nn.Identity, torch.Tensor.contiguous, torch.Tensor.float,
)  # fmt: skip
def same(c: Conversion, x: Value, *_: Any, **__: Any) -> Value:
    """Pass a tensor on."""
    return x


@handles("expand", "expand_as", "broadcast_to", torch.broadcast_to, "repeat", "tile", torch.tile)
def expand(c: Conversion, x: Value, *_: Any, **__: Any) -> Value:
    """Repeat a tensor along axes of size 1."""
    sides = tuple(c.expected.shape)
    axes = (((),) * (len(sides) - len(x.axes))) + x.axes
    own = [1] * (len(sides) - len(x.axes)) + list(x.shape)
    if any(n not in (1, side) for n, side in zip(own, sides, strict=True)):
        c.reject(f"repeats {[*x.shape]} to {[*sides]}", "repeat axes of size 1 only")
    return x.with_axes(
        tuple(((side, 0),) if n < side else each for each, n, side in zip(axes, own, sides, strict=True))
    )


@handles(operator.getitem)
def getitem(c: Conversion, x: Any, index: Any) -> Any:
    """Return a part of a tensor, or one of several tensors."""
    if not isinstance(x, Value):
        return x[index]
    index = index if isinstance(index, tuple) else (index,)
    if any(isinstance(each, Value | Tensor | list) for each in index):
        c.reject("gathers by an index tensor", "use slices")
    ahead = index[: index.index(...)] if ... in index else index
    behind = index[index.index(...) + 1 :] if ... in index else ()
    full = (slice(None),) * (len(x.axes) - sum(each is not None for each in (*ahead, *behind)))
    at = 0
    for each in (*ahead, *full, *behind):
        if each is None:
            x = x.with_axes((*x.axes[:at], (), *x.axes[at:]))
            at += 1
        elif isinstance(each, slice):
            x = part(c, x, at, *each.indices(x.shape[at]))
            at += 1
        else:
            x = index_axis(c, x, at, int(each))
    return x


@handles("unbind", torch.unbind)
def unbind(c: Conversion, x: Value, dim: int = 0) -> tuple[Value, ...]:
    """Return all parts of one index along an axis."""
    return tuple(index_axis(c, x, dim % len(x.axes), i) for i in range(x.shape[dim]))


@handles("select", torch.select)
def select(c: Conversion, x: Value, dim: int, index: int) -> Value:
    """Return the part of one index along an axis."""
    return index_axis(c, x, dim % len(x.axes), index)


@handles("narrow", torch.narrow)
def narrow(c: Conversion, x: Value, dim: int, start: int, length: int) -> Value:
    """Return a range along an axis."""
    return part(c, x, dim % len(x.axes), start, start + length, 1)


@handles("chunk", "split", "tensor_split", "split_with_sizes", torch.chunk, torch.split, torch.tensor_split)
def split(c: Conversion, x: Value, *args: Any, dim: int = 0, **_: Any) -> tuple[Value, ...]:
    """Return ranges along an axis, of the sizes that the trace knows."""
    dim = int(args[1] if len(args) > 1 else dim) % len(x.axes)
    parts, start = [], 0
    for each in c.expected:
        parts.append(part(c, x, dim, start, start + each.shape[dim], 1))
        start += each.shape[dim]
    return tuple(parts)
