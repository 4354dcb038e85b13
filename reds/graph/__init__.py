"""Describe a network as layers and unit groups, with no framework, weights or device.

Units of several layers must often be cut together. A depthwise layer has one filter for every unit that it
reads. A residual add needs the same units on both sides. Such units form one *unit group*, and the whole
method (importance, cost, selection, permutation, slicing) works on unit groups. A concatenation puts groups
side by side. A subnet leaves out a residual block by keeping no unit of the groups inside of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, prod

from reds.errors import GraphError
from reds.graph.blocks import Block, Running, find_blocks, running_layers
from reds.graph.geometry import same_padding
from reds.graph.parts import (
    Activation,
    Group,
    Layer,
    Padding,
    Span,
    Spans,
    Tensor,
    Widths,
    channels,
    kept_channels,
)
from reds.rules import is_number
from reds.text import shown

__all__ = [
    "Activation",
    "Block",
    "Graph",
    "Group",
    "Layer",
    "Padding",
    "Running",
    "Span",
    "Spans",
    "Tensor",
    "Widths",
    "channels",
    "kept_channels",
    "same_padding",
]

MOST_WIDER = 16
"""Largest factor by which a network is widened."""


@dataclass(frozen=True)
class Graph:
    """A network: unit groups, tensors and layers in the order that they run. Tensor 0 is the input."""

    groups: tuple[Group, ...]
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    reference: int | None = None
    """Multiply-accumulates that shares of budgets are of; None for those of the full network."""

    @property
    def whole(self) -> int:
        """Return the multiply-accumulates that a budget of 100 % is."""
        return self.macs(self.full) if self.reference is None else self.reference

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Return the residual blocks that a subnet may leave out, in the order that they end."""
        return find_blocks(self.groups, self.tensors, self.layers)

    @property
    def full(self) -> Widths:
        """Return the widths of the full network."""
        return tuple(group.units for group in self.groups)

    def reads(self, shape: tuple[int, int, int]) -> bool:
        """Return whether the network reads examples of this shape: rows, columns, units.

        A network that reads features reads any shape with as many numbers.
        """
        source = self.tensors[0]
        return (source.height, source.width, source.channels(self.full)) in (shape, (1, 1, prod(shape)))

    def running(self, widths: Sequence[int]) -> Running:
        """Return the layers that a subnet runs.

        Args:
            widths: Units that the subnet keeps in each group; 0 in the groups of a block leaves it out.

        Raises:
            GraphError: A group keeps no unit, and is inside of no block of which all groups keep none.
        """
        missing = {
            g for g, (group, n) in enumerate(zip(self.groups, widths, strict=True)) if n < 1 <= group.units
        }
        return running_layers(self.layers, self.blocks if missing else (), missing)

    def resized(self, widths: Sequence[int]) -> "Graph":
        """Return the same network with these widths as its full ones, without the blocks that they leave out.

        Groups keep their numbers, also those without units.
        """
        groups = tuple(replace(group, units=n) for group, n in zip(self.groups, widths, strict=True))
        run = self.running(widths)
        at = {0: 0} | {self.layers[i].output: new for new, i in enumerate(run.layers, 1)}
        at |= {tensor: at[held] for tensor, held in run.stands.items()}
        layers = tuple(
            replace(layer, inputs=tuple(at[tensor] for tensor in layer.inputs), output=at[layer.output])
            for layer in (self.layers[i] for i in run.layers)
        )
        kept = (0, *(self.layers[i].output for i in run.layers))
        return Graph(groups, tuple(self.tensors[tensor] for tensor in kept), layers)

    def widened(self, factor: float) -> "Graph":
        """Return the network with more units, whose budgets are shares of this one.

        Args:
            factor: Units of each group that is cut, as a multiple of those here; at least 1.

        Raises:
            GraphError: The factor is no number of 1 to 16, or a layer would have too many units.
        """
        if not is_number(factor) or not 1 <= factor <= MOST_WIDER:
            raise GraphError(f"widen is {shown(factor)}: a number from 1 to {MOST_WIDER} is needed")
        if factor == 1:
            return self
        widths = [ceil(group.units * factor - 1e-9) if group.cut else group.units for group in self.groups]
        return replace(self.resized(widths), reference=self.whole)

    def macs(self, widths: Sequence[int]) -> int:
        """Return the multiply-accumulates of one inference at these widths, the classifier included."""
        return sum(self.layers[i].macs(widths) for i in self.running(widths).layers)

    def weights(self, widths: Sequence[int]) -> int:
        """Return the number of weights that a subnet of these widths reads."""
        return sum(self.layers[i].weights(widths) for i in self.running(widths).layers)
