"""Find the unit groups of a network, from the channels that must be cut together.

Every tensor is a row of channels, and every channel belongs to a unit. An addition makes the channels of its
inputs one unit, channel by channel. A head of attention and a block of a grouped convolution are one unit
each. A group is a row of units that lie side by side, with as many channels each, wherever they occur.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from reds.graph.parts import Group, Span, Spans

Channels = NDArray[np.int64]
"""The units that the channels of a tensor belong to, int64 [channels]."""


class UnitClasses:
    """Keeps the units of all channels, which merge as layers are added."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._cut: list[bool] = []

    def new(self, count: int, cut: bool) -> Channels:
        """Return channels of units of their own."""
        first = len(self._parents)
        self._parents += range(first, first + count)
        self._cut += [cut] * count
        return np.arange(first, first + count)

    def merge(self, a: Channels, b: Channels) -> None:
        """Make one unit of each channel of a and the channel of b at its place."""
        for one, other in zip(a.tolist(), b.tolist(), strict=True):
            kept, merged = sorted((self._root(one), self._root(other)))
            self._parents[merged] = kept
            self._cut[kept] = self._cut[kept] and self._cut[merged]

    def tie(self, x: Channels, size: int) -> None:
        """Make one unit of each `size` channels in a row."""
        blocks = x.reshape(-1, size)
        for column in range(1, size):
            self.merge(blocks[:, 0], blocks[:, column])

    def uncut(self, x: Channels) -> None:
        """Let subnets keep all of these channels."""
        for unit in x.tolist():
            self._cut[self._root(unit)] = False

    def groups(self, tensors: Sequence[Channels]) -> tuple[tuple[Group, ...], list[Spans]]:
        """Return the unit groups, in the order that tensors mention them, and the spans of each tensor."""
        rows = [self._units_of(tensor) for tensor in tensors]
        after = self._neighbors(rows)
        group_of: dict[int, int] = {}
        sizes: list[int] = []
        cuts: list[bool] = []
        joined = {unit for unit in after.values() if unit is not None}
        for row in rows:
            for first, _ in row:
                if first in group_of or first in joined:
                    continue
                unit: int | None = first
                sizes.append(0)
                cuts.append(self._cut[first])
                while unit is not None:
                    group_of[unit] = len(sizes) - 1
                    sizes[-1] += 1
                    unit = after[unit]
        groups = tuple(Group(units, cut) for units, cut in zip(sizes, cuts, strict=True))
        return groups, [tuple(_spans(row, group_of, sizes)) for row in rows]

    def _units_of(self, tensor: Channels) -> list[tuple[int, int]]:
        """Return the units of a tensor in order, each with its number of channels in a row."""
        roots = (self._root(unit) for unit in tensor.tolist())
        return [(unit, sum(1 for _ in run)) for unit, run in groupby(roots)]

    def _neighbors(self, rows: Sequence[Sequence[tuple[int, int]]]) -> dict[int, int | None]:
        """Return for each unit the one that follows it in its group; None for the last of a group."""
        after: dict[int, int | None] = {}
        before: dict[int, int | None] = {}
        for row in rows:
            ends: list[tuple[int | None, int]] = [(None, 0), *row, (None, 0)]
            for (a, n), (b, m) in pairwise(ends):
                fits = a is not None and b is not None and n == m and self._cut[a] == self._cut[b]
                if a is not None:
                    after[a] = b if fits and after.get(a, b) == b else None
                if b is not None:
                    before[b] = a if fits and before.get(b, a) == a else None
        return {a: b if b is not None and before[b] == a else None for a, b in after.items()}

    def _root(self, unit: int) -> int:
        while self._parents[unit] != unit:
            self._parents[unit] = self._parents[self._parents[unit]]
            unit = self._parents[unit]
        return unit


def _spans(row: Sequence[tuple[int, int]], group_of: dict[int, int], sizes: Sequence[int]) -> Iterator[Span]:
    """Yield the spans of a tensor, whose units come in whole groups."""
    at = 0
    while at < len(row):
        unit, copies = row[at]
        yield Span(group_of[unit], copies)
        at += sizes[group_of[unit]]
