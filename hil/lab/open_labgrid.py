"""Open the board of a target of labgrid in a user's own code."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hil.boards import boards_toml, opening
from hil.boards.facts import Provenance
from hil.boards.holder import Once
from hil.boards.open_board import OpenBoard, boards_file
from hil.lab.guest import Guest, LabgridTarget
from hil.options import LEASE_WAIT_SECONDS


@contextmanager
def open_labgrid(
    there: LabgridTarget,
    target: str = "",
    *,
    emulated: bool | None = None,
    boards: str | os.PathLike[str] | None = None,
    lease_wait: float = LEASE_WAIT_SECONDS,
) -> Iterator[OpenBoard]:
    """Open the board of a target of labgrid; close it at the end of the `with` block.

    The place stays acquired as labgrid has it. No driver of labgrid may use the board's port meanwhile.

    Args:
        there: The target, as labgrid's fixture `target` or its `Environment.get_target` gives it.
        target: Kind of the board, as `nano33ble`; by default the tag `board` of its place.
        emulated: Whether an emulator is behind it; by default the tag `provenance` of its place says so.
        boards: A boards file with options of the place; by default the shipped one.
        lease_wait: Seconds to wait for another run on the same port.

    Raises:
        SetupError: `lease_wait` is no number of seconds.
        BoardsFileError: The target has no resource that can be used, or another board than is asked for.
        BoardAbsent: The board is not there.
        BoardBusy: Another run kept the board.
    """
    file = boards_file(boards, lease_wait) or boards_toml.shipped()
    entry = Guest(target, emulated, file, lambda: there).entry()
    provenance = Provenance.EMULATED if entry.emulated else Provenance.HARDWARE
    with opening.started(entry, provenance, wait=lease_wait) as board:
        yield OpenBoard(Once(board))
