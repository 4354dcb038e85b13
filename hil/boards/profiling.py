"""Profile a subnet on a board: its layers and the whole inference in turns, with every clock."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.facts import Provenance
from hil.errors import NotMeasurable
from hil.protocol.hello import Clock
from hil.results.layer_facts import layer_facts
from hil.results.profile import Profile, costs
from hil.results.samples import Samples
from reds.pack.kernel_use import kernel_lines
from reds.pack.model import Model

SAMPLES = 100
"""Inferences on hardware; one where counts repeat exactly."""
_TURNS = 10


def profile(board: Board, model: Model, subnet: int, x: NDArray[np.int8]) -> Profile:
    """Measure a subnet of the deployed pack.

    Args:
        board: The board.
        model: The deployed network.
        subnet: Index of the subnet.
        x: int8 [M, input], used in turn; the first one only where counts repeat exactly.

    Raises:
        NotMeasurable: The board has no clock.
        ProtocolError: The samples cannot be.
    """
    facts = board.facts()
    if not facts.clocks:
        raise NotMeasurable("it has no clock, so no layer can be timed", board=board.name)
    n = 1 if facts.provenance is Provenance.EMULATED else SAMPLES
    taken = [_with_clock(board, subnet, clock, n, x[:n]) for clock in facts.clocks]
    each, whole, readings = zip(*taken, strict=True)
    layers = layer_facts(model, subnet, board.layouts(model))
    name = model.subnets[subnet].name
    found = costs(each, whole, readings)
    kernels = tuple(kernel_lines(model, board.known_layouts))
    return Profile(model.name, name, facts.name, str(facts.provenance), layers, found, kernels)


def _with_clock(
    board: Board, subnet: int, clock: Clock, n: int, x: NDArray[np.int8]
) -> tuple[tuple[Samples, ...], Samples, int]:
    """Return samples of each layer and of the whole inference, and the ticks of reading the clock."""
    layers: tuple[Samples, ...] = ()
    whole: Samples | None = None
    reading = 0
    for turn in np.array_split(np.arange(n), min(n, _TURNS)):
        board.settle()
        inputs = x[turn % len(x)]
        whole = _joined(whole, board.measure(subnet, len(turn), clock, inputs))
        found = board.profile(subnet, len(turn), clock, inputs)
        layers = tuple(map(_joined, layers or (None,) * len(found.layers), found.layers))
        reading = max(reading, found.overhead)
    assert whole is not None  # n is at least 1
    return layers, whole, reading


def _joined(before: Samples | None, more: Samples) -> Samples:
    return more if before is None else replace(more, ticks=before.ticks + more.ticks)
