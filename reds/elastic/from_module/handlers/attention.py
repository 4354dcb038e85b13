"""Convert attention, as a function or spelled out by two products and a softmax."""

import operator
from math import sqrt
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.elastic.from_module.arranging import CannotArrangeError
from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.functions import pointwise
from reds.elastic.from_module.handlers.weighted import linear
from reds.elastic.from_module.layout import axis, reshaped, size
from reds.elastic.from_module.recognition import scale_between
from reds.elastic.from_module.steps import Step, Value


@handles("softmax", torch.softmax, F.softmax, "log_softmax", torch.log_softmax, F.log_softmax)
def softmax(c: Conversion, x: Value, dim: int = -1, *_: Any, **__: Any) -> Value:
    """Note a softmax, which attention takes over, or the end of the net leaves out."""
    return x.over(
        c.steps.add("softmax", [x.step], x.step.dims, options={"over": x.axes[dim], "name": c.name})
    )


@handles(nn.Softmax, nn.LogSoftmax)
def softmax_module(c: Conversion, x: Value) -> Value:
    """Note a softmax that is a module."""
    m = c.module
    assert isinstance(m, nn.Softmax | nn.LogSoftmax)
    return softmax(c, x, 1 if m.dim is None else m.dim)


@handles(operator.matmul, torch.matmul, torch.bmm, "matmul", "bmm", "__matmul__")
def matmul(c: Conversion, a: Any, b: Any) -> Value:
    """Convert a product with a constant matrix, or one of the two products of attention."""
    if isinstance(a, Value) and isinstance(b, Tensor) and b.ndim == 2:
        return linear(c, a, b.T)
    if not isinstance(a, Value) or not isinstance(b, Value):
        c.reject("multiplies a constant matrix by a tensor", "use nn.Linear")
    if a.step.op == "softmax":
        return _weighted_sum(c, a, b)
    queries, keys = a.shape[-2], b.shape[-1]
    if len(a.axes) != len(b.axes) or len(a.axes) < 3 or a.shape[:-2] != b.shape[:-2]:
        c.reject(f"multiplies {[*a.shape]} and {[*b.shape]}", "use attention or nn.Linear")
    heads = size([piece for each in a.axes[:-2] for piece in a.inside(each)])
    step = c.steps.add("matmul", [a.step, b.step], (heads, queries, keys), options={"of": (a, b)})
    whole = reshaped(
        (
            axis(a.batch, heads * queries * keys),
            axis(heads, queries * keys),
            axis(queries, keys),
            axis(keys, 1),
        ),
        c.expected.shape,
    )
    if whole is None:
        raise CannotArrangeError
    return Value(step, whole, a.batch)


def _weighted_sum(c: Conversion, weights: Value, v: Value) -> Value:
    """Return attention, from its softmax and v."""
    softmax = weights.step
    product = softmax.inputs[0]
    while product.op == "pointwise" and len(product.inputs) == 1:
        product = product.inputs[0]
    scale = None if product.op != "matmul" else scale_between(product, softmax.inputs[0])
    keys = weights.axes[-1]
    if scale is None or softmax.options["over"] != keys or keys != axis(product.units, 1):
        c.reject(
            "multiplies two tensors, and not as softmax(q @ k.transpose(-2, -1) * scale) @ v without a mask",
            "use F.scaled_dot_product_attention(q, k, v)",
        )
    q, k = product.options["of"]
    return attention(c, q, k.with_axes((*k.axes[:-2], k.axes[-1], k.axes[-2])), v, scale=scale)


@handles(F.scaled_dot_product_attention)
def attention(
    c: Conversion, query: Value, key: Value, value: Value, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Value:  # fmt: skip
    """Convert attention of q, k and v [..., positions, size of a head]."""
    if attn_mask is not None or is_causal or dropout_p or enable_gqa:
        c.reject(
            "masks attention, drops, or shares heads",
            "attend to all positions, with one k and v for each head",
        )
    head = query.shape[-1]
    wanted = 1 / sqrt(head)
    if scale is not None and abs(scale - wanted) > 1e-6 * wanted:
        factor = scale / wanted
        query = pointwise(c, lambda t: t * factor, query)
    steps = [_headed(c, each) for each in (query, key, value)]
    q, k, v = steps
    if k.positions != v.positions or not q.units == k.units == v.units:
        c.reject(
            "has q, k and v of different units",
            "give all three the same units, and k and v the same positions",
        )
    new = c.steps.add("attention", steps, q.dims, options={"heads": q.units // head})
    batch = query.batch
    units = q.units
    pieces = reshaped(
        (
            axis(batch, q.positions * units),
            axis(units // head, head),
            axis(q.positions, units),
            axis(head, 1),
        ),
        query.shape,
    )
    if pieces is None:
        raise CannotArrangeError
    return Value(new, pieces, batch)


def _headed(c: Conversion, x: Value) -> Step:
    """Return the step of q, k or v [N, heads, positions, size], with the units of one head together."""
    outside = [piece for each in x.axes[:-2] for piece in each]
    heads, positions, units = x.inside(outside), x.inside(x.axes[-2]), x.inside(x.axes[-1])
    if [piece for piece in outside if piece in x.examples] != list(outside[: len(x.examples)]):
        raise CannotArrangeError
    return c.steps.arranged(x, positions, [], [*heads, *units], flat=True)
