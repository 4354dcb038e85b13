"""Compare a pack on a board with the exported `.tflite` of each subnet in LiteRT, in turns on one core."""

from hil.boards.board import Board
from hil.kernels.desktop import in_turns, ours
from hil.kernels.litert import NAME, LiteRT
from hil.kernels.nano import Say
from hil.kernels.tables import Cell, Table
from reds.export import tflite
from reds.pack.model import Model


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
