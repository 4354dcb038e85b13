"""Convert concatenations of units, and of constant tokens before computed ones."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from reds.elastic.from_module.arranging import CannotArrangeError
from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.layout import Piece, common, size
from reds.elastic.from_module.steps import Step, Value


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
