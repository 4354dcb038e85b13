"""A network as unit groups and the layers between them.

Units of several layers must often be cut together: a depthwise layer has one filter for every unit it
reads, a residual add needs the same units on both sides. Such units form one *unit group*, and the whole
method (importance, cost, selection, permutation, slicing) speaks only of groups. Nothing here knows a
framework, a weight or a device.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, prod

from reds.pack.model import WEIGHTED, Kind

MIXING = frozenset({Kind.DENSE, Kind.CONV})
"""Kinds in which every unit written reads every unit of the input."""

Widths = tuple[int, ...]
"""Units kept in each unit group, in the order of `Chain.groups`."""
Padding = tuple[int, int, int, int]
"""Rows and columns that a layer adds at the top, left, bottom and right of its input."""


@dataclass(frozen=True)
class Group:
    """Units that are cut together. Input features and the classifier's outputs are never cut."""

    units: int
    cut: bool


@dataclass(frozen=True)
class Tensor:
    """What a layer writes: `height` x `width` sites of a group's units.

    After a flatten the sites are 1 x 1 and every unit stands `copies` times, unit by unit, so that a
    subnet's features are still a prefix of the full net's.
    """

    group: int
    height: int = 1
    width: int = 1
    copies: int = 1


@dataclass(frozen=True)
class Layer:
    """One layer; `inputs` and `output` index `Chain.tensors`, `reads` and `writes` index `Chain.groups`."""

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    output: int
    reads: int
    writes: int
    per_pair: int
    """Multiply-accumulates for one unit read and one unit written (depthwise: for one unit)."""
    copies: int = 1
    """Weight columns for each unit read: spatial copies after a flatten, else 1."""
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    relu: bool = False
    ceiling: float = inf
    """Where the ReLU stops."""
    norm: bool = False

    def macs(self, widths: Sequence[int]) -> int:
        """Multiply-accumulates at these group widths: true fan-in, biases not counted."""
        if self.kind in MIXING:
            return self.per_pair * widths[self.reads] * widths[self.writes]
        return self.per_pair * widths[self.writes]

    def weights(self, widths: Sequence[int]) -> int:
        """Weights that a subnet of these group widths reads in this layer."""
        if self.kind not in WEIGHTED:
            return 0
        fan_in = self.copies * widths[self.reads] if self.kind in MIXING else 1
        return self.kernel[0] * self.kernel[1] * fan_in * widths[self.writes]


@dataclass(frozen=True)
class Graph:
    """A network. Tensor 0 is the input; layers stand in the order they run."""

    groups: tuple[Group, ...]
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]

    @property
    def full(self) -> Widths:
        """Widths of the full net."""
        return tuple(group.units for group in self.groups)

    def reads(self, shape: tuple[int, int, int]) -> bool:
        """Return whether examples of this shape, rows, columns and units, are its input.

        A net that reads features takes any shape with as many numbers.
        """
        source = self.tensors[0]
        return (source.height, source.width, self.full[0]) in (shape, (1, 1, prod(shape)))

    def resized(self, widths: Sequence[int]) -> "Graph":
        """The same network with other widths as its full ones."""
        groups = tuple(replace(group, units=n) for group, n in zip(self.groups, widths, strict=True))
        return replace(self, groups=groups)

    def macs(self, widths: Sequence[int]) -> int:
        """Multiply-accumulates of one inference, classifier counted."""
        return sum(layer.macs(widths) for layer in self.layers)

    def weights(self, widths: Sequence[int]) -> int:
        """Weights that a subnet of these widths reads."""
        return sum(layer.weights(widths) for layer in self.layers)


def same_padding(sides: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]) -> Padding:
    """TensorFlow's `same`: as little as gives ceil(side / stride) windows, the smaller half first."""
    rows, columns = (
        max((ceil(side / step) - 1) * step + taps - side, 0)
        for side, taps, step in zip(sides, kernel, stride, strict=True)
    )
    return (rows // 2, columns // 2, rows - rows // 2, columns - columns // 2)
