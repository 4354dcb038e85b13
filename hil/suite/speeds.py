"""Choose how many emulators share the work of an emulated board, by its speed."""

import os
from dataclasses import replace

from hil.boards import registry
from hil.boards.facts import Provenance
from hil.boards.speed import Speed
from hil.boards.spread import usable_cores
from hil.suite.board_selection import SelectedBoard

WORKERS = "PYTEST_XDIST_WORKER_COUNT"
"""Variable with the number of the workers of pytest-xdist, among which the cores are divided."""
_MOST_EMULATORS = 8
"""Most emulators of a board: more start later than they help."""
_PAYS = 2.0
"""Least work, relative to the start of an emulator, with which another one pays."""


def speed_of(board: SelectedBoard) -> Speed | None:
    """Return the speed of an emulated board, None for others."""
    if board.absent or board.provenance is not Provenance.EMULATED:
        return None
    return replace(registry.speed(board.entry.target), alone=board.entry.emulated)


def emulators(macs: float, speed: Speed) -> int:
    """Return how many emulators compute so many MACs soonest: one where cores are taken or the work is short.

    Args:
        macs: MACs of the work.
        speed: Speed of one emulator.
    """
    if speed.alone or macs / speed.macs <= _PAYS * speed.start:
        return 1
    free = len(usable_cores()) // max(1, int(os.environ.get(WORKERS, "1")))
    return max(1, min(free, _MOST_EMULATORS))


def shared_seconds(macs: float, speed: Speed) -> float:
    """Return the seconds that so many MACs take on as many emulators as `emulators` chooses."""
    count = emulators(macs, speed)
    return (macs / speed.macs + (count - 1) * speed.start) / count
