"""Run packs on boards, and compare each subnet with the interpreter, bit for bit."""

from dataclasses import dataclass

import numpy as np

from hil.boards.open_board import OpenBoard
from hil.errors import PackRefused
from reds.pack import interpreter
from tests.architectures.pipeline import Packed

INPUTS = 4
"""Inputs that each subnet runs on a board."""


@dataclass(frozen=True)
class OnBoard:
    """What a board made of a pack."""

    provenance: str
    exact: bool = False
    """Whether all subnets give the interpreter's outputs."""
    milliseconds: tuple[float, ...] = ()
    """Of an inference of each subnet, where times repeat."""
    refused: str = ""
    """Why the board does not hold the pack; empty if it does."""


def on_board(board: OpenBoard, packed: Packed) -> OnBoard:
    """Deploy a pack, run all its subnets, and time one inference of each on an emulated board."""
    model, provenance = packed.model, str(board.facts().provenance)
    x = packed.x[:INPUTS]
    try:
        board.deploy(model)
        exact, took = True, []
        for i in range(len(model.subnets)):
            board.select(i)
            exact = exact and np.array_equal(board.infer(x), interpreter.run(model, i, x))
            if provenance == "emulated":
                took.append(round(board.measure(i, 1, x=x[:1]).median / 1000, 2))
    except PackRefused as error:
        return OnBoard(provenance, refused=str(error))
    return OnBoard(provenance, exact, tuple(took))
