"""Run nets on an emulated Cortex-M, with the agent and the machine that QEMU has for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.cores import open_core
from hil.errors import HilError, PackRefused
from hil.protocol.hello import INSTRUCTIONS
from reds.pack.layouts import Layout
from reds.pack.model import Model
from tests.random_nets.families import NoOutputError, Ran

CORES = {"m55": "cortex-m55"}
"""Processors that QEMU's user mode cannot stand in for, by the name of their family."""


class OnBoard:
    """A board that runs nets."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def chosen(self, model: Model) -> tuple[Layout, ...]:
        """Return the layout of each layer of a net."""
        return self._board.layouts(model)

    def run(self, model: Model, x: NDArray[np.int8]) -> Ran:
        """Run all inputs through each subnet of a net; whole inferences alone give outputs."""
        subnets = range(len(model.subnets))
        try:
            self._board.deploy(model)
            outputs = [out.tobytes() for out in self._board.infer_each(subnets, x)]
            clock = next(clock for clock in self._board.facts().clocks if clock.name == INSTRUCTIONS)
            layers = [self._board.profile(s, 1, clock, x[-1:]).layers for s in subnets]
        except (HilError, PackRefused) as error:
            raise NoOutputError(str(error)) from error
        return Ran(outputs, outputs, [[layer.ticks[0] for layer in of] for of in layers])


@contextmanager
def opened(name: str) -> Iterator[OnBoard]:
    """Start the emulator of a family in CORES; leaving the `with` block stops it."""
    with open_core(CORES[name]) as board:
        yield OnBoard(board)
