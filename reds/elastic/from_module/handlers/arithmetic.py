"""Convert sums and products of tensors, constants and numbers."""

import operator
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from reds.elastic.from_module.arranging import CannotArrangeError
from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.functions import pointwise
from reds.elastic.from_module.handlers.normalization import centered, normalized
from reds.elastic.from_module.layout import Axis, Piece, common, size
from reds.elastic.from_module.steps import Step, Value


@handles(operator.add, operator.iadd, torch.add, "add", "add_")
def add(
    c: Conversion, a: Any, b: Any = None, *, other: Any = None, input: Any = None, alpha: float = 1
) -> Value:
    """Convert a sum of tensors, constants or numbers."""
    a, b = _two(a, b, other, input)
    if alpha != 1:
        b = _scaled(c, b, alpha)
    return _combined(c, "add", torch.add, a, b)


@handles(operator.sub, operator.isub, torch.sub, "sub", "sub_", "subtract", torch.subtract)
def subtract(
    c: Conversion, a: Any, b: Any = None, *, other: Any = None, input: Any = None, alpha: float = 1
) -> Value:
    """Convert a difference: a sum with the second operand times -1."""
    a, b = _two(a, b, other, input)
    if isinstance(a, Value) and isinstance(b, Value) and alpha == 1 and (y := centered(c, a, b)):
        return y
    return _combined(c, "add", torch.add, a, _scaled(c, b, -alpha))


@handles(operator.mul, operator.imul, torch.mul, torch.multiply, "mul", "mul_", "multiply")
def multiply(c: Conversion, a: Any, b: Any = None, *, other: Any = None, input: Any = None) -> Value:
    """Convert a product of tensors, constants or numbers."""
    a, b = _two(a, b, other, input)
    if isinstance(a, Value) and isinstance(b, Value) and (y := normalized(c, a, b, divided=False)):
        return y
    return _combined(c, "multiply", torch.mul, a, b)


@handles(
    operator.truediv,
    operator.itruediv,
    torch.div,
    torch.divide,
    torch.true_divide,
    "div",
    "div_",
    "true_divide",
)
def divide(c: Conversion, a: Any, b: Any = None, *, other: Any = None, input: Any = None) -> Value:
    """Convert a division by a constant or a number."""
    a, b = _two(a, b, other, input)
    if isinstance(b, Value):
        return _over(c, a, b)
    return _combined(c, "multiply", torch.mul, a, 1 / b)


def _over(c: Conversion, a: Any, b: Value) -> Value:
    """Return a tensor divided by one that depends on the input."""
    if not isinstance(a, Value):
        return pointwise(c, lambda t: a / t, b)
    if y := normalized(c, a, b, divided=True):
        return y
    if a.step.dims == b.step.dims and a.axes == b.axes:
        return pointwise(c, torch.div, a, b)
    c.reject(
        "divides by a tensor that depends on the input", "use LayerNorm for norms, and divide by constants"
    )


def _two(a: Any, b: Any, other: Any, first: Any) -> tuple[Any, Any]:
    """Return both operands, which may be named."""
    given = [each for each in (first, a, b, other) if each is not None]
    return given[0], given[1]


def _scaled(c: Conversion, x: Any, factor: float) -> Any:
    return pointwise(c, lambda t: t * factor, x) if isinstance(x, Value) else x * factor


def _combined(c: Conversion, op: str, function: Callable[..., Tensor], a: Any, b: Any) -> Value:
    if not isinstance(a, Value):
        a, b = b, a
    if isinstance(b, Value):
        return _both(c, op, function, a, b)
    if not isinstance(b, Tensor) or b.numel() == 1:
        number = float(b)
        if isinstance(b, Tensor) and b.ndim > len(a.axes):
            c.reject(f"adds axes to {[*a.shape]}", "keep the number of axes")
        if op == "multiply" and number == 0:
            c.reject("multiplies by 0, which leaves nothing of the layers before", "start the scale at 1e-3")
        return pointwise(c, lambda t: function(t, number), a)
    return with_constant(c, op, a, b)


def with_constant(c: Conversion, op: str, x: Value, constant: Tensor) -> Value:
    """Return a value plus or times a constant tensor."""
    if not _fits(constant.shape, x.shape):
        c.reject(
            f"repeats {[*x.shape]} for a constant {[*constant.shape]}", "use a constant that is not larger"
        )
    table = canonical(c, x, constant)
    by_unit = bool((table == table[:1]).all())
    units = x.step.units
    if by_unit:
        one, zero = torch.ones(units), torch.zeros(units)
        gain, offset = (one, table[0]) if op == "add" else (table[0], zero)
        return x.over(c.steps.add("affine", [x.step], x.step.dims, weight=gain, bias=offset))
    if op == "multiply":
        c.reject("multiplies positions by different constants", "multiply by one number for each unit")
    step = c.steps.add("embed", [x.step], x.step.dims, weight=table.T.contiguous(), options={"front": 0})
    return x.over(step)


def _fits(sides: Sequence[int], whole: Sequence[int]) -> bool:
    """Return whether a tensor broadcasts to a shape."""
    behind = zip(reversed(sides), reversed(whole), strict=False)
    return len(sides) <= len(whole) and all(n in (1, m) for n, m in behind)


def canonical(c: Conversion, x: Value, constant: Tensor) -> Tensor:
    """Return a constant [positions, units] as it lies beside the values of a step.

    Args:
        c: The conversion, whose node is rejected if examples have different constants.
        x: The tensor that the constant is computed with, and broadcasts to.
        constant: The constant.
    """
    pieces = [*chain.from_iterable(x.axes)]
    if any(not stride for _, stride in pieces):
        c.reject("adds a constant to repeated values", "add it before they are repeated")
    full = constant.float().expand(x.shape).reshape([n for n, _ in pieces])
    order = sorted(range(len(pieces)), key=lambda i: (pieces[i] not in x.examples, -pieces[i][1]))
    table = full.permute(order).reshape(-1, x.step.positions, x.step.units)
    if not bool((table == table[:1]).all()):
        c.reject("has a constant for each example", "treat all examples alike")
    return table[0].clone()


def _both(c: Conversion, op: str, function: Callable[..., Tensor], a: Value, b: Value) -> Value:
    """Return the sum or product of two computed tensors."""
    if len(a.axes) < len(b.axes) or size([*chain.from_iterable(map(a.inside, a.axes))]) < size(
        [*chain.from_iterable(map(b.inside, b.axes))]
    ):
        a, b = b, a
    if len(a.axes) != len(b.axes):
        b = b.with_axes((*((),) * (len(a.axes) - len(b.axes)), *b.axes))
    try:
        other = _aligned(c, a, b)
    except CannotArrangeError:
        other, a, b = _aligned(c, b, a), b, a
    if other.dims == a.step.dims:
        step = c.steps.add(op, [a.step, other], a.step.dims, options={"function": function})
    else:
        step = c.steps.add(op, [a.step, other], a.step.dims)
    return a.over(step)


def _aligned(c: Conversion, a: Value, b: Value) -> Step:
    """Return the step of b, arranged as the step of a, of which it may have one row, one column or both."""
    places: dict[Piece, Piece] = {}
    for own, others in zip(a.axes, b.axes, strict=True):
        there: Axis = tuple(piece for piece in others if piece[1])
        if not there:
            continue
        pairs = common(own, there)
        if pairs is None:
            c.reject(
                f"combines {[*a.shape]} and {[*b.shape]}",
                "combine tensors of one shape, or one that has one row or one column",
            )
        places |= dict(pairs)
    pieces = [piece for piece in places if not (size(a.examples) > 1 and piece[1] >= a.examples[0][1])]
    pieces.sort(key=lambda piece: -piece[1])
    _, width, units = a.step.dims
    rows = [places[each] for each in pieces if each[1] >= width * units]
    columns = [places[each] for each in pieces if units <= each[1] < width * units]
    inner = [places[each] for each in pieces if each[1] < units]
    if size(inner) != units or size(rows) not in (1, a.step.dims[0]) or size(columns) not in (1, width):
        c.reject(
            f"combines {[*a.shape]} and {[*b.shape]}, which have different units or parts of rows",
            "let both have all units, and the smaller one 1 row or 1 column",
        )
    return c.steps.arranged(b, rows, columns, inner)
