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

from reds.elastic.from_module.layout import Axes, Axis, Piece, axis, contiguous, shape, size
from reds.graph.parts import Activation

Dims = tuple[int, int, int]
"""Height, width and units."""


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

    def turned(self, order: Sequence[int]) -> "Value":
        """Return the tensor with its axes in another order."""
        return self.with_axes(tuple(self.axes[at] for at in order))

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
            and all(not s or s >= self.step.units or (n, s) in self.examples for n, s in rest)
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
