"""The parts of a graph: unit groups, tensors and layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.pack.model import MIXING, WEIGHTED, Kind

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
class Span:
    """The units of one group where they lie side by side in a tensor."""

    group: int
    copies: int = 1
    """Channels of each unit: after a flatten its positions, in a head of attention the size of the head."""


Spans = tuple[Span, ...]


def channels(spans: Spans, widths: Sequence[int]) -> Any:
    """Return the channels of these spans in a subnet. It also takes arrays of widths."""
    return sum(span.copies * widths[span.group] for span in spans)


def kept_channels(spans: Spans, full: Sequence[int], widths: Sequence[int]) -> NDArray[np.int64]:
    """Return the channels that a subnet keeps, as indices into the full network's, ascending.

    Args:
        spans: The spans of a tensor.
        full: Widths of the full network.
        widths: Widths of the subnet.
    """
    parts, start = [np.zeros(0, np.int64)], 0
    for span in spans:
        parts.append(np.arange(start, start + span.copies * widths[span.group]))
        start += span.copies * full[span.group]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Tensor:
    """The output of a layer, or the network's input: `height` x `width` positions of channels.

    The channels of one unit lie together, those of the first unit first. So a subnet's channels are a prefix
    of the full network's, in each span.
    """

    spans: Spans
    height: int = 1
    width: int = 1

    @property
    def positions(self) -> int:
        """Return the number of spatial positions."""
        return self.height * self.width

    def channels(self, widths: Sequence[int]) -> Any:
        """Return the channels that a subnet keeps. It also takes arrays of widths."""
        return channels(self.spans, widths)


@dataclass(frozen=True)
class Activation:
    """A function that each value of a layer's output goes through."""

    name: str
    """A name in `reds.elastic.activations`, as `hard_swish`."""
    slope: float = 0.0
    """The factor below zero of a leaky ReLU and an ELU; 0 for others."""


@dataclass(frozen=True)
class Layer:
    """One layer of the full network. It ends in its batch norm, then in a ReLU or an activation."""

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    """Indices into `Graph.tensors`."""
    output: int
    """Index into `Graph.tensors`."""
    reads: Spans
    """Spans of the first input; of a concatenation all inputs' spans, in order."""
    writes: Spans
    """Spans of the output."""
    per_pair: int
    """Multiply-accumulates for one channel read and one channel written; in a layer that does not mix its
    input channels for one channel written."""
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    block: int = 1
    """Input channels of a block of a grouped convolution, channels of a head of attention, or positions that
    an embedding has constants for."""
    relu: bool = False
    ceiling: float = inf
    """The upper limit of the ReLU, as 6 in ReLU6."""
    norm: bool = False
    """True if a batch norm follows, before the ReLU."""
    activation: Activation | None = None
    eps: float = 0.0
    """Added to the variance by a layer norm."""

    @property
    def groups(self) -> tuple[int, ...]:
        """Return the unit groups that the layer reads or writes, ascending."""
        return tuple(sorted({span.group for span in (*self.reads, *self.writes)}))

    def macs(self, widths: Sequence[int]) -> Any:
        """Return the multiply-accumulates at these widths: fan-in of the subnet, biases not counted."""
        return self.macs_at(channels(self.reads, widths), channels(self.writes, widths))

    def macs_at(self, read: Any, written: Any) -> Any:
        """Return the multiply-accumulates at these channels, numbers or arrays."""
        return self.per_pair * (read if self.kind in MIXING else 1) * written

    def weights(self, widths: Sequence[int]) -> Any:
        """Return the number of int8 weights that a subnet of these widths reads in this layer."""
        return self.weights_at(channels(self.reads, widths), channels(self.writes, widths))

    def weights_at(self, read: Any, written: Any) -> Any:
        """Return the number of int8 weights that a subnet of these channels reads, numbers or arrays."""
        if self.kind is Kind.EMBED:
            return self.block * written
        if self.kind not in WEIGHTED:
            return 0 * written
        return self.kernel[0] * self.kernel[1] * (read if self.kind in MIXING else self.block) * written
