"""Describe a network as layers and unit groups, with no framework, weights or device.

Units of several layers must often be cut together. A depthwise layer has one filter for every unit that it
reads. A residual add needs the same units on both sides. Such units form one *unit group*, and the whole
method (importance, cost, selection, permutation, slicing) works on unit groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, prod

from reds.pack.model import WEIGHTED, Kind

MIXING = frozenset({Kind.DENSE, Kind.CONV})
"""Kinds in which every unit written reads every unit of the input."""

Widths = tuple[int, ...]
"""Units kept in each unit group, in the order of `Graph.groups`."""
Padding = tuple[int, int, int, int]
"""Rows and columns that a layer adds at the top, left, bottom and right of its input."""


@dataclass(frozen=True)
class Group:
    """Units that are cut together."""

    units: int
    cut: bool
    """True if subnets may keep fewer units. Input features and the classifier's outputs are never cut."""


@dataclass(frozen=True)
class Tensor:
    """The output of a layer, or the network's input: `height` x `width` positions of a group's units.

    A flatten leaves one position and makes `copies` features of every unit, those of the first unit first. So
    a subnet's features are a prefix of the full network's.
    """

    group: int
    height: int = 1
    width: int = 1
    copies: int = 1


@dataclass(frozen=True)
class Layer:
    """One layer of the full network."""

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    """Indices into `Graph.tensors`."""
    output: int
    """Index into `Graph.tensors`."""
    reads: int
    """The unit group of the inputs, an index into `Graph.groups`."""
    writes: int
    """The unit group of the output."""
    per_pair: int
    """Multiply-accumulates for one unit read and one unit written; in a depthwise layer for one unit."""
    copies: int = 1
    """Weights of a row for each unit read: after a flatten its spatial positions, else 1."""
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    relu: bool = False
    ceiling: float = inf
    """The upper limit of the ReLU, as 6 in ReLU6."""
    norm: bool = False
    """True if a batch norm follows, before the ReLU."""

    def macs(self, widths: Sequence[int]) -> int:
        """Return the multiply-accumulates at these widths: fan-in of the subnet, biases not counted."""
        if self.kind in MIXING:
            return self.per_pair * widths[self.reads] * widths[self.writes]
        return self.per_pair * widths[self.writes]

    def weights(self, widths: Sequence[int]) -> int:
        """Return the number of weights that a subnet of these widths reads in this layer."""
        if self.kind not in WEIGHTED:
            return 0
        fan_in = self.copies * widths[self.reads] if self.kind in MIXING else 1
        return self.kernel[0] * self.kernel[1] * fan_in * widths[self.writes]


@dataclass(frozen=True)
class Graph:
    """A network: unit groups, tensors and layers in the order that they run. Tensor 0 is the input."""

    groups: tuple[Group, ...]
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]

    @property
    def full(self) -> Widths:
        """Return the widths of the full network."""
        return tuple(group.units for group in self.groups)

    def reads(self, shape: tuple[int, int, int]) -> bool:
        """Return whether the network reads examples of this shape: rows, columns, units.

        A network that reads features reads any shape with as many numbers.
        """
        source = self.tensors[0]
        return (source.height, source.width, self.full[0]) in (shape, (1, 1, prod(shape)))

    def resized(self, widths: Sequence[int]) -> "Graph":
        """Return the same network with these widths as its full ones."""
        groups = tuple(replace(group, units=n) for group, n in zip(self.groups, widths, strict=True))
        return replace(self, groups=groups)

    def macs(self, widths: Sequence[int]) -> int:
        """Return the multiply-accumulates of one inference at these widths, the classifier included."""
        return sum(layer.macs(widths) for layer in self.layers)

    def weights(self, widths: Sequence[int]) -> int:
        """Return the number of weights that a subnet of these widths reads."""
        return sum(layer.weights(widths) for layer in self.layers)


def same_padding(sides: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]) -> Padding:
    """Return TensorFlow's `same` padding, which gives ceil(side / stride) windows on each axis.

    Args:
        sides: Rows and columns of the input.
        kernel: Rows and columns of the window.
        stride: Rows and columns that the window moves by.

    Returns:
        Rows and columns to add. If a sum is odd, the top or left side gets the smaller half.
    """
    rows, columns = (
        max((ceil(side / step) - 1) * step + taps - side, 0)
        for side, taps, step in zip(sides, kernel, stride, strict=True)
    )
    return (rows // 2, columns // 2, rows - rows // 2, columns - columns // 2)
