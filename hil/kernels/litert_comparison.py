"""Compare a pack on a board with the exported `.tflite` of each subnet in LiteRT, in turns on one core."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.kernels.desktop import in_turns, ours, time_clock, turns
from hil.kernels.litert import NAME, LiteRT
from hil.kernels.nano import Say
from hil.kernels.tables import Cell, Table
from hil.results.statistics.quantiles import median
from reds.export import tflite
from reds.pack.model import Model


@dataclass(frozen=True)
class Beside:
    """Latencies of one subnet in us, taken in turns.

    Attributes:
        ours: Those of the runtime of this project.
        theirs: Those of LiteRT.
        ratios: Median of ours relative to that of theirs, for each turn.
    """

    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    ratios: tuple[float, ...]


def beside(board: Board, model: Model, subnet: int, there: LiteRT, x: NDArray[np.int8]) -> Beside:
    """Time a subnet of the deployed pack in both programs, in turns.

    Args:
        board: The board.
        model: The deployed network.
        subnet: Index of the subnet.
        there: LiteRT on the same board.
        x: int8 [M, input]; our runtime uses them in turn, LiteRT one of its own, as no time depends on them.

    Raises:
        ModuleNotFoundError: tensorflow is missing, which writes the file.
    """
    there.load(tflite.dumps(model, subnet))
    board.settle()
    clock = time_clock(board)
    taken = turns({"ours": lambda n: [*board.measure(subnet, n, clock, x).microseconds], NAME: there.time})
    ratios = tuple(median(a) / median(b) for a, b in zip(taken["ours"], taken[NAME], strict=True))
    mine, theirs = (tuple(us for turn in taken[name] for us in turn) for name in ("ours", NAME))
    return Beside(mine, theirs, ratios)


def measure(board: Board, model: Model, there: LiteRT, say: Say) -> Table:
    """Time each subnet in both programs.

    Args:
        board: The board.
        model: The pack's network.
        there: LiteRT on the same board.
        say: Called with the present step.

    Returns:
        A table with a row for each subnet.

    Raises:
        ModuleNotFoundError: tensorflow is missing, which writes the files.
    """
    board.deploy(model)
    rows: list[tuple[Cell, ...]] = []
    for s, subnet in enumerate(model.subnets):
        say(subnet.name)
        board.settle()
        loading = there.load(tflite.dumps(model, s))
        medians = in_turns({"ours": ours(board, model, s), NAME: there.time})
        mine, other = medians["ours"], medians[NAME]
        rows.append((subnet.name, subnet.macs, mine, other, mine / other, loading))
    heads = ("subnet", "MACs", "ours, us", f"{NAME}, us", "ours : LiteRT", "LiteRT loads, us")
    facts = board.facts()
    return Table(
        f"{model.name} on {facts.name} ({facts.provenance}), one thread, medians", heads, tuple(rows)
    )
