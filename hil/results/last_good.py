"""Find the last good run of each board of a run, before that run."""

from collections.abc import Sequence
from dataclasses import replace

from hil.errors import ComparisonError
from hil.results.difference import Kept
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, Run
from hil.results.store.store import Store

GOOD = "good"
"""Name of the last good run before another."""


def last_good(store: Store, after: Kept) -> Kept:
    """Return the last good figures of the boards of a run, under the names that the boards have in it.

    A good run ended, and failed no test of the board. Boards may have different ones.

    Args:
        store: The store of the earlier runs.
        after: The run; only runs before it count.

    Raises:
        ComparisonError: The store keeps no good run of any of the boards before this one.
    """
    boards: list[BoardIdentity] = []
    measured: list[Measurement] = []
    runs: list[tuple[Run, str]] = []
    run_id = after.run.id if after.run else ""
    for board in after.boards:
        for shape in _shapes(after.measurements, board):
            if run := store.last_good(board, shape, before=run_id):
                runs.append((run, board.board))
                (then,) = {b.key: b for b in store.boards(run.id) if _alike(b, board)}.values()
                boards.append(replace(then, board=board.board))
                figures = store.measurements(run.id, board)
                measured += [replace(m, board=board.board) for m in figures if m.pack_shape == shape]
    if not runs:
        names = ", ".join(f"{board.board} ({board.provenance})" for board in after.boards) or "no board"
        none = f"{store.name} keeps no good run of {names} with this pack before {after.name}"
        raise ComparisonError(f"{none}; the first good one is compared from then on")
    found = dict.fromkeys(boards)
    if len({run.id for run, _ in runs}) == 1:
        return Kept(runs[0][0].id, list(found), measured, runs[0][0])
    return Kept(", ".join(f"{run.id} of {name}" for run, name in runs), list(found), measured)


def _shapes(measured: Sequence[Measurement], board: BoardIdentity) -> list[str]:
    """Return the shapes of the packs that a board ran."""
    who = board.target, board.board, board.provenance
    return sorted({m.pack_shape for m in measured if (m.target, m.board, m.provenance) == who})


def _alike(one: BoardIdentity, other: BoardIdentity) -> bool:
    return (one.target, one.provenance, one.key) == (other.target, other.provenance, other.key)
