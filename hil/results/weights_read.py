"""Find the weights of a pack that a subnet reads, and the lines of memory that hold them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reds.pack.layouts import Layout
from reds.pack.model import MIXING, WEIGHTED, IntegerLayer, Kind, Model

Units = NDArray[np.int64]


def prefix(model: Model, subnet: int) -> list[tuple[Units, Units]]:
    """Return the units that each step reads and writes: the first ones, as they are sorted by importance."""
    return [(np.arange(step.units_in), np.arange(step.units_out)) for step in model.subnets[subnet].steps]


def marked(layer: IntegerLayer, units: tuple[Units, Units]) -> NDArray[np.int8]:
    """Return the weights of a layer, with 1 where these units are read and written, else 0."""
    marks = np.zeros_like(layer.weights)
    reads, writes = units
    if layer.kind in MIXING:
        each = marks.reshape(len(marks), layer.taps, -1)
        each[np.ix_(writes, np.arange(layer.taps), reads)] = 1
    elif layer.kind is Kind.EMBED:
        marks[:, writes] = 1
    elif layer.kind in WEIGHTED:
        marks[writes] = 1
    return marks


def lines(layout: Layout, layer: IntegerLayer, units: tuple[Units, Units], line: int) -> int:
    """Count the lines with a weight of these units; the weights start at a line.

    Args:
        layout: Layout of the weights.
        layer: The layer.
        units: Units that it reads and writes.
        line: Bytes of a line.
    """
    stored = layout.weights(replace(layer, weights=marked(layer, units)))
    return len(np.unique(np.flatnonzero(np.frombuffer(stored, np.uint8)) // line))
