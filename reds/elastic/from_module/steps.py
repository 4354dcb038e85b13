"""Hold the operations of a module as steps between its trace and the layers of a `Graph`.

A step computes a tensor [N][height][width][units]. A value is a torch tensor whose axes lie over that tensor
in any order. Only a step that reads an order of its own makes a value be copied to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import inf, prod
from typing import Any

from torch import Tensor, fx

from reds.elastic.from_module.layout import Axes, Axis, Piece, axis, contiguous, moved, shape, size
from reds.graph.parts import Activation

Dims = tuple[int, int, int]
"""Height, width and units."""


SHUFFLED = (
    "shuffles units, and a subnet keeps the first units of each tensor",
    "leave the shuffle out, or use convolutions of one group",
)
UNORDERED = (
    "reads its input in an order that no layer copies to",
    "permute axes so that the units of a position stay together",
)


class CannotArrangeError(Exception):
    """A value lies in an order that no layer can copy to the one needed. Arguments: reason and remedy."""

    def __init__(self, reason: str = UNORDERED[0], remedy: str = UNORDERED[1]) -> None:
        super().__init__(reason, remedy)


@dataclass
class Norm:
    """Hold the parameters of a batch norm."""

    mean: Tensor
    variance: Tensor
    gain: Tensor
    offset: Tensor
    eps: float


@dataclass(eq=False)
class Step:
    """One operation, which becomes a layer or a part of one."""

    op: str
    """Name of a method of `Builder`, or `input`, `norm`, `affine`, `relu`, `activation`, `pointwise`, `pad`,
    `matmul`, `softmax`."""
    inputs: list["Step"]
    dims: Dims
    node: fx.Node
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of the builder's method, and functions of a pointwise step."""
    weight: Tensor | None = None
    bias: Tensor | None = None
    norm: Norm | None = None
    relu: bool = False
    ceiling: float = inf
    activation: Activation | None = None

    @property
    def units(self) -> int:
        """Return the number of units."""
        return self.dims[2]

    @property
    def positions(self) -> int:
        """Return the number of spatial positions."""
        return self.dims[0] * self.dims[1]


@dataclass(frozen=True, eq=False)
class Value:
    """A torch tensor that depends on the input of the module."""

    step: Step
    axes: Axes
    batch: int
    """Examples in the traced batch."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the sizes of the tensor."""
        return shape(self.axes)

    @property
    def examples(self) -> Axis:
        """Return the pieces that step from example to example."""
        return axis(self.batch, prod(self.step.dims))

    def inside(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return pieces without those that step from example to example or repeat a value."""
        return [piece for piece in pieces if piece not in self.examples and piece[1]]

    def with_axes(self, axes: Axes) -> "Value":
        """Return another tensor over the same step."""
        return Value(self.step, axes, self.batch)

    def over(self, step: Step) -> "Value":
        """Return the same tensor over a step of the same dimensions."""
        return Value(step, self.axes, self.batch)

    def after(self, step: Step, at: int) -> "Value":
        """Return the tensor of a step that has read one axis as units, and leaves positions as they are."""
        old, new = self.step.units, step.units
        axes = [tuple((n, s // old * new) for n, s in each) for each in self.axes]
        axes[at] = axis(new, 1)
        return Value(step, tuple(axes), self.batch)

    def has_units(self, at: int) -> bool:
        """Return whether the units are one axis, in their order."""
        own = self.axes[at]
        rest = chain.from_iterable(each for i, each in enumerate(self.axes) if i != at)
        return (
            contiguous(own)
            and size(own) == self.step.units
            and all(s >= self.step.units or (n, s) in self.examples for n, s in rest)
        )


def fresh(step: Step, batch: int, order: str) -> Value:
    """Return the tensor of a step by the letters of its axes: n, h, w, u, as `nuhw` in torch."""
    height, width, units = step.dims
    by = {
        "n": axis(batch, prod(step.dims)),
        "h": axis(height, width * units),
        "w": axis(width, units),
        "u": axis(units, 1),
    }
    return Value(step, tuple(by[letter] for letter in order), batch)


class Steps:
    """Make steps for one node after the other."""

    def __init__(self) -> None:
        self.node: fx.Node
        self._copies: dict[tuple[Step, str, Dims], Step] = {}

    def add(self, op: str, inputs: Sequence[Step], dims: Dims, **more: Any) -> Step:
        """Return a new step for the present node."""
        return Step(op, list(inputs), dims, self.node, **more)

    def _copy(self, op: str, step: Step, dims: Dims) -> Step:
        """Return a step that copies another one's values, the same for all that need it."""
        if step.dims == dims and op == "reshape":
            return step
        key = step, op, dims
        if key not in self._copies:
            self._copies[key] = self.add(op, [step], dims)
        return self._copies[key]

    def flattened(self, step: Step) -> Step:
        """Return a step whose one position has all positions of the first unit, then those of the next."""
        return (
            step if step.positions == 1 else self._copy("flatten", step, (1, 1, step.positions * step.units))
        )

    def arranged(
        self, value: Value, rows: Sequence[Piece], columns: Sequence[Piece], units: Sequence[Piece],
        *, flat: bool = False,
    ) -> Step:  # fmt: skip
        """Return the step that computes a value with these rows, columns and units, in this order.

        Args:
            value: The value, whose pieces are given.
            rows: Pieces that become the height.
            columns: Pieces that become the width.
            units: Pieces that become the units.
            flat: Whether only the order of positions counts, so that the height may be another.

        Raises:
            CannotArrangeError: No layer can copy the values to this order.
        """
        wanted, step = [*rows, *columns, *units], value.step
        dims = size(rows), size(columns), size(units)
        if size(wanted) != prod(step.dims) or any(not stride for _, stride in wanted):
            raise CannotArrangeError
        if contiguous(wanted):
            same = flat and dims[2] == step.units
            return step if same else self._copy("reshape", step, dims)
        for i in range(1, len(wanted)):
            first, last = wanted[:i], wanted[i:]
            if not contiguous([*last, *first]):
                continue
            inner, outer = size(first), size(last)
            if step.units == inner and dims == (1, 1, inner * outer):
                return self._copy("flatten", step, dims)
            if step.units != inner:
                step = self._copy("reshape", step, (outer, 1, inner))
            return self._copy("reshape", self._copy("transpose", step, (inner, 1, outer)), dims)
        shuffled = size(units) == value.step.units and all(s < value.step.units for _, s in units)
        raise CannotArrangeError(*(SHUFFLED if shuffled else UNORDERED))

    def with_units(self, value: Value, at: int) -> Value:
        """Return the value over a step whose units are one axis, and whose positions are the others.

        Raises:
            CannotArrangeError: No layer can copy the values to this order.
        """
        at %= len(value.axes)
        if value.has_units(at):
            return value
        others = [value.inside(each) for i, each in enumerate(value.axes) if i != at]
        filled = [each for each in others if each]
        rows, columns = filled[:1], filled[1:]
        units = value.inside(value.axes[at])
        placed = [*chain.from_iterable(rows), *chain.from_iterable(columns), *units]
        step = self.arranged(value, [*chain.from_iterable(rows)], [*chain.from_iterable(columns)], units)
        return Value(step, moved(value.axes, new_strides(placed, value)), value.batch)

    def spatial(self, value: Value) -> Value:
        """Return a tensor [N, units, rows, columns] or [N, units, positions] over a step of that form.

        Raises:
            CannotArrangeError: No layer can copy the values to this order.
        """
        if value.axes[0] != value.examples or len(value.axes) not in (3, 4):
            raise CannotArrangeError
        units, *sides = (value.inside(each) for each in value.axes[1:])
        if len(sides) == 2:
            return fresh(self.arranged(value, sides[0], sides[1], units), value.batch, "nuhw")
        height, width, _ = value.step.dims
        if height == 1 < width == size(sides[0]):
            return fresh(self.arranged(value, [], sides[0], units), value.batch, "nuw")
        return fresh(self.arranged(value, sides[0], [], units), value.batch, "nuh")


def new_strides(placed: Sequence[Piece], value: Value) -> dict[Piece, int]:
    """Return the stride of each piece of a value once its pieces are placed in this order."""
    strides, stride = {}, 1
    for piece in reversed(placed):
        strides[piece] = stride
        stride *= piece[0]
    repeated = {(n, s): 0 for n, s in chain.from_iterable(value.axes) if s == 0}
    return strides | dict.fromkeys(value.examples, stride) | repeated
