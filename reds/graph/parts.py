"""The parts of a graph: unit groups, tensors and layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

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
