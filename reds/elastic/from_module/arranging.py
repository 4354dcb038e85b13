"""Make new steps, and copy values to the order that a step reads."""

from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any

from torch import fx

from reds.elastic.from_module.layout import Axis, Piece, contiguous, moved, size
from reds.elastic.from_module.steps import Dims, Step, Value, fresh

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


class Steps:
    """Make steps for one node after the other."""

    def __init__(self) -> None:
        self.node: fx.Node
        self._copies: dict[tuple[Step, str, Dims], Step] = {}

    def add(self, op: str, inputs: Sequence[Step], dims: Dims, **more: Any) -> Step:
        """Return a new step for the present node."""
        return Step(op, list(inputs), dims, self.node, **more)

    def once(self, op: str, step: Step, dims: Dims) -> Step:
        """Return a step of one input, the same for all that need it."""
        if step.dims == dims and op == "reshape":
            return step
        key = step, op, dims
        if key not in self._copies:
            self._copies[key] = self.add(op, [step], dims)
        return self._copies[key]

    def flattened(self, step: Step) -> Step:
        """Return a step whose one position has all positions of the first unit, then those of the next."""
        return (
            step if step.positions == 1 else self.once("flatten", step, (1, 1, step.positions * step.units))
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
            return step if same else self.once("reshape", step, dims)
        for i in range(1, len(wanted)):
            first, last = wanted[:i], wanted[i:]
            if not contiguous([*last, *first]):
                continue
            inner, outer = size(first), size(last)
            if step.units == inner and dims == (1, 1, inner * outer):
                return self.once("flatten", step, dims)
            if step.units != inner:
                step = self.once("reshape", step, (outer, 1, inner))
            return self.once("reshape", self.once("transpose", step, (inner, 1, outer)), dims)
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
        arranged = Value(step, moved(value.axes, new_strides(placed, value)), value.batch)
        beside = self._beside(step, value.axes[at])
        return arranged if beside is step else arranged.after(beside, at)

    def spatial(self, value: Value) -> Value:
        """Return a tensor [N, units, rows, columns] or [N, units, positions] over a step of that form.

        Raises:
            CannotArrangeError: No layer can copy the values to this order.
        """
        if value.axes[0] != value.examples or len(value.axes) not in (3, 4):
            raise CannotArrangeError
        units, *sides = (value.inside(each) for each in value.axes[1:])
        repeats = [_repeats(each) for each in value.axes[2:]]
        if len(sides) == 2:
            return self._repeated(self.arranged(value, sides[0], sides[1], units), repeats, value, "nuhw")
        height, width, _ = value.step.dims
        if height == 1 < width == size(sides[0]):
            return self._repeated(self.arranged(value, [], sides[0], units), [1, *repeats], value, "nuw")
        return self._repeated(self.arranged(value, sides[0], [], units), [*repeats, 1], value, "nuh")

    def units_second(self, value: Value) -> tuple[Value, list[int]]:
        """Return a tensor with its units second, as torch has them, and the order that turns it back."""
        at = next((i for i in range(1, len(value.axes)) if value.has_units(i)), 1)
        order = [0, at, *(i for i in range(1, len(value.axes)) if i != at)]
        return value.turned(order), [order.index(i) for i in range(len(order))]

    def _beside(self, step: Step, units: Axis) -> Step:
        """Return a step of one unit beside itself, as often as an axis repeats it."""
        count = _repeats(units)
        if count > 1 < step.units:
            raise CannotArrangeError("repeats each of several units", "repeat a tensor of one unit only")
        return self.add("concat", [step] * count, (*step.dims[:2], count)) if count > 1 else step

    def _repeated(self, step: Step, repeats: Sequence[int], value: Value, order: str) -> Value:
        """Return a tensor whose rows and columns are repeated."""
        step = self._beside(step, value.axes[1])
        height, width = (n * factor for n, factor in zip(step.dims, repeats, strict=False))
        if any(factor > 1 for factor in repeats):
            options = {"factors": tuple(repeats)}
            step = self.add("upsample", [step], (height, width, step.units), options=options)
        return fresh(step, value.batch, order)


def _repeats(pieces: Axis) -> int:
    """Return how often an axis repeats each of its values."""
    strides = [stride for _, stride in pieces]
    if sorted(strides, key=lambda stride: not stride) != strides:
        raise CannotArrangeError
    return size([piece for piece in pieces if not piece[1]])


def new_strides(placed: Sequence[Piece], value: Value) -> dict[Piece, int]:
    """Return the stride of each piece of a value once its pieces are placed in this order."""
    strides, stride = {}, 1
    for piece in reversed(placed):
        strides[piece] = stride
        stride *= piece[0]
    repeated = {(n, s): 0 for n, s in chain.from_iterable(value.axes) if s == 0}
    return strides | dict.fromkeys(value.examples, stride) | repeated
