"""Run packs on boards, and compare each subnet with the interpreter, bit for bit."""

from dataclasses import dataclass

import numpy as np

from hil.boards.open_board import OpenBoard
from hil.errors import PackRefused
from reds.pack.extract import extract_up_to
from tests.architectures.pipeline import Packed


@dataclass(frozen=True)
class OnBoard:
    """Results of a pack on a board: whether it fits, its bits, its latencies."""

    provenance: str
    held: int = 0
    """Number of subnets, smallest first, that fit the board together."""
    exact: bool = False
    """Whether all subnets that fit give the interpreter's outputs of the whole pack."""
    milliseconds: tuple[float, ...] = ()
    """Time of an inference of each subnet that fits, where times repeat."""
    refused: str = ""
    """Why the board does not hold the whole pack; empty if it does."""


def on_board(board: OpenBoard, packed: Packed) -> OnBoard:
    """Deploy as many subnets as fit, run them, and time one inference of each on an emulated board."""
    provenance, whole = str(board.facts().provenance), packed.model
    x, refused = packed.x, ""
    for last in reversed(range(len(whole.subnets))):
        try:
            board.deploy(whole if last == len(whole.subnets) - 1 else extract_up_to(whole, last))
            exact, took = True, []
            for i in range(last + 1):
                board.select(i)
                exact = exact and np.array_equal(board.infer(x), packed.outputs[i])
                if provenance == "emulated":
                    took.append(round(board.measure(i, 1, x=x[:1]).median / 1000, 2))
        except PackRefused as error:
            refused = refused or str(error)
        else:
            return OnBoard(provenance, last + 1, exact, tuple(took), refused)
    return OnBoard(provenance, refused=refused)
