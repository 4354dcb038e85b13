"""Give every tensor of a graph one axis of widths: its unit group, or a sum of several groups.

A layer that reads a concatenation costs by the channels that all of its groups have together. So the
concatenation counts as one more group. It is summed up group by group, and tensors that begin with the same
groups share these sums, as in a dense block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.graph import Graph, Span, Widths
from reds.nesting.solver.problem import Choice, Sum

Grid = NDArray[np.int64]
"""The widths that a unit group may have, ascending."""
Terms = tuple[Span, ...]
"""The spans of a tensor by group, ascending, each group once."""


@dataclass(frozen=True)
class Axis:
    """One axis of a table."""

    group: int
    """A unit group, or a sum: an index into `Axes.grids`."""
    channels: Grid
    """Channels at each width."""


@dataclass(frozen=True)
class Axes:
    """The widths of all unit groups, then of all sums."""

    grids: tuple[Grid, ...]
    """The widths of each group; of each sum the channels that it may have."""
    sums: tuple[Sum, ...]
    at: dict[Terms, int]
    """The index of each sum."""

    def of(self, spans: Sequence[Span]) -> Axis:
        """Return the axis of a tensor with these spans."""
        terms = _terms(spans)
        if len(terms) > 1:
            return Axis(self.at[terms], self.grids[self.at[terms]])
        (span,) = terms
        return Axis(span.group, span.copies * self.grids[span.group])

    @property
    def of_groups(self) -> tuple[Grid, ...]:
        """Return the widths of the unit groups alone."""
        return self.grids[: len(self.grids) - len(self.sums)]

    def widths(self, choice: Choice) -> Widths:
        """Return the units that a choice keeps in each unit group."""
        return tuple(int(grid[k]) for grid, k in zip(self.of_groups, choice, strict=False))


def axes_of(graph: Graph, grids: Sequence[Grid]) -> Axes:
    """Return the axes of all tensors of a graph.

    Args:
        graph: The full network.
        grids: The widths of each unit group.
    """
    all_grids, sums, at = [*grids], list[Sum](), dict[Terms, int]()
    for tensor in graph.tensors:
        terms = _terms(tensor.spans)
        for n in range(2, len(terms) + 1):
            if terms[:n] in at:
                continue
            last, whole = terms[n - 1], len(all_grids)
            added = (last.group, last.copies * all_grids[last.group])
            before = (
                (at[terms[: n - 1]], all_grids[at[terms[: n - 1]]])
                if n > 2
                else (terms[0].group, terms[0].copies * all_grids[terms[0].group])
            )
            at[terms[:n]] = whole
            all_grids.append(np.unique(before[1][:, None] + added[1]))
            (one, first), (two, second) = sorted((before, added), key=lambda part: part[0])
            sums.append(Sum((one, two, whole), (first, second, all_grids[whole])))
    return Axes(tuple(all_grids), tuple(sums), at)


def _terms(spans: Sequence[Span]) -> Terms:
    """Return spans by group, each group once."""
    copies: dict[int, int] = {}
    for span in spans:
        copies[span.group] = copies.get(span.group, 0) + span.copies
    return tuple(Span(g, copies[g]) for g in sorted(copies))
