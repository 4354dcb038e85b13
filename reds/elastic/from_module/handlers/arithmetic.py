"""Convert sums and products of tensors, constants and numbers, and functions of single values."""

import operator
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import Tensor, nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.layout import Axis, Piece, common, size
from reds.elastic.from_module.steps import CannotArrangeError, Step, Value


def pointwise(c: Conversion, function: Callable[..., Tensor], *inputs: Value) -> Value:
    """Return the value of a function of single numbers, of inputs whose axes lie alike."""
    step = c.steps.add(
        "pointwise", [each.step for each in inputs], inputs[0].step.dims, options={"function": function}
    )
    return inputs[0].over(step)


_FUNCTIONS = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign",
    "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "logsigmoid", "tanh", "tanhshrink", "clamp", "clip",
    "clamp_min", "clamp_max", "erf", "exp", "neg", "square", "sqrt", "rsqrt", "reciprocal", "log", "log1p", "expm1",
    "abs", "absolute", "negative", "sin", "cos", "sign", "pow", "rsub", "true_divide", "divide", "subtract",
)  # fmt: skip
_MODULES = (
    nn.ReLU, nn.Hardtanh, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus,
    nn.Softsign, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Tanhshrink, nn.Threshold,
    nn.Hardshrink, nn.Softshrink, nn.RReLU,
)  # fmt: skip


@handles(*_MODULES)
def activation_module(c: Conversion, x: Value) -> Value:
    """Convert an activation that is a module."""
    return pointwise(c, c.module, x)


@handles(
    *(name for each in _FUNCTIONS for name in (each, f"{each}_")),
    *(
        getattr(place, name)
        for place in (torch, F, torch.Tensor, torch.special)
        for each in _FUNCTIONS
        for name in (each, f"{each}_")
        if hasattr(place, name)
    ),
    operator.neg, operator.pow, operator.abs,
)  # fmt: skip
def function(c: Conversion, *args: Any, **kwargs: Any) -> Value:
    """Convert a function of single values, whose other arguments are numbers."""
    keywords = {name: each for name, each in kwargs.items() if name != "inplace"}
    at = [i for i, each in enumerate(args) if isinstance(each, Value)]
    named = [name for name, each in keywords.items() if isinstance(each, Value)]
    if len(at) + len(named) != 1 or any(
        isinstance(each, Tensor) and each.numel() > 1 for each in (*args, *kwargs.values())
    ):
        c.reject("computes a function of several tensors", "use sums and products of tensors only")
    x = args[at[0]] if at else keywords[named[0]]
    target = c.node.target

    def run(t: Tensor) -> Tensor:
        given = [t if isinstance(each, Value) else each for each in args]
        options = {name: t if isinstance(each, Value) else each for name, each in keywords.items()}
        if isinstance(target, str):
            return getattr(given[0].clone(), target)(*given[1:], **options)
        return target(*(each.clone() if each is t else each for each in given), **options)

    return pointwise(c, run, x)


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
    return _combined(c, "add", torch.add, a, _scaled(c, b, -alpha))


@handles(operator.mul, operator.imul, torch.mul, torch.multiply, "mul", "mul_", "multiply")
def multiply(c: Conversion, a: Any, b: Any = None, *, other: Any = None, input: Any = None) -> Value:
    """Convert a product of tensors, constants or numbers."""
    return _combined(c, "multiply", torch.mul, *_two(a, b, other, input))


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
        return _normalized(c, a, b)
    return _combined(c, "multiply", torch.mul, a, 1 / b)


def _normalized(c: Conversion, a: Any, b: Value) -> Value:
    """Return a tensor divided by one that depends on the input."""
    if not isinstance(a, Value):
        return pointwise(c, lambda t: a / t, b)
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
        return pointwise(c, lambda t: function(t, number), a)
    return with_constant(c, op, a, b)


def with_constant(c: Conversion, op: str, x: Value, constant: Tensor) -> Value:
    """Return a value plus or times a constant tensor."""
    if tuple(torch.broadcast_shapes(constant.shape, x.shape)) != x.shape:
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


@handles(torch.cat, torch.concat, torch.concatenate)
def concat(c: Conversion, tensors: Sequence[Any], dim: int = 0, *, axis: int | None = None) -> Value:
    """Convert a concatenation of units, or of constant tokens before computed ones."""
    at = (dim if axis is None else axis) % len(c.expected.shape)
    values = [each for each in tensors if isinstance(each, Value)]
    if len(values) == 1 and not isinstance(tensors[-1], Tensor):
        return _fronted(
            c,
            torch.cat([each for each in tensors if isinstance(each, Tensor)] or [torch.zeros(0)], at),
            values[0],
            at,
        )
    if len(values) != len(tensors):
        c.reject("concatenates constants and computed tensors", "put constant tokens first")
    try:
        first = c.steps.with_units(values[0], at)
        steps = [first.step] + [_beside(c, first, c.steps.with_units(each, at), at) for each in values[1:]]
    except CannotArrangeError:
        c.reject("concatenates other axes than units", "concatenate channels")
    dims = (*first.step.dims[:2], sum(each.units for each in steps))
    return first.after(c.steps.add("concat", steps, dims), at)


def _beside(c: Conversion, first: Value, other: Value, at: int) -> Step:
    """Return the step of a tensor with the positions of the first one in their order."""
    if tuple(n for i, n in enumerate(first.shape) if i != at) != tuple(
        n for i, n in enumerate(other.shape) if i != at
    ):
        raise CannotArrangeError
    places: dict[Piece, Piece] = {}
    for i, (own, there) in enumerate(zip(first.axes, other.axes, strict=True)):
        places |= {} if i == at else dict(common(own, there) or ())
    inside = [
        piece for piece in places if not (size(first.examples) > 1 and piece[1] >= first.examples[0][1])
    ]
    inside.sort(key=lambda piece: -piece[1])
    across = first.step.dims[1] * first.step.units
    rows = [places[each] for each in inside if each[1] >= across]
    columns = [places[each] for each in inside if each[1] < across]
    return c.steps.arranged(other, rows, columns, other.axes[at])


def _fronted(c: Conversion, constant: Tensor, x: Value, at: int) -> Value:
    """Return tokens with constant tokens in front."""
    if not constant.numel():
        return x
    if len(x.axes) != 3 or at == 0:
        c.reject("concatenates a constant to other than tokens", "use [N, tokens, units]")
    units_at = 3 - at
    x = c.steps.with_units(x, units_at)
    if not bool((constant == constant[:1]).all()):
        c.reject("has a constant for each example", "treat all examples alike")
    step = c.steps.arranged(x, x.axes[at], [], x.axes[units_at], flat=True)
    front = constant[0] if at == 1 else constant[0].T
    count, units = len(front) + step.positions, step.units
    table = torch.cat([front, torch.zeros(step.positions, units)])
    new = c.steps.add(
        "embed", [step], (count, 1, units), weight=table.T.contiguous(), options={"front": len(front)}
    )
    axes = (x.axes[0], ((count, units),), ((units, 1),) if units > 1 else ())
    full = tuple(axes if at == 1 else (axes[0], axes[2], axes[1]))
    examples = ((x.batch, count * units),) if x.batch > 1 else ()
    return Value(new, (examples, *full[1:]), x.batch)
