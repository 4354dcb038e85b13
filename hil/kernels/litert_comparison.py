"""A pack on a board beside LiteRT with the exported `.tflite` of each subnet: in turns, on the same core."""

from hil.boards.board import Board
from hil.kernels.desktop import in_turns, ours
from hil.kernels.litert import NAME, LiteRT
from hil.kernels.nano import Say
from hil.kernels.tables import Cell, Table
from reds.export import tflite
from reds.pack.model import Model


def measure(board: Board, model: Model, there: LiteRT, say: Say) -> Table:
    """A row for each subnet. Raises `ModuleNotFoundError` without tensorflow, which writes the files."""
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
