"""Hold the speeds of emulated boards, and choose how many emulators share the work of one."""

import os
from dataclasses import dataclass, replace

from hil.boards.facts import Provenance
from hil.boards.spread import usable_cores
from hil.firmware import build
from hil.suite.board_selection import SelectedBoard

WORKERS = "PYTEST_XDIST_WORKER_COUNT"
"""Variable with the number of the workers of pytest-xdist, among which the cores are divided."""
_MOST_EMULATORS = 8
"""Most emulators of a board: more start later than they help."""
_PAYS = 2.0
"""Least work, relative to the start of an emulator, with which another one pays."""


@dataclass(frozen=True)
class Speed:
    """Speed of an emulated board on one core of a usual machine.

    Attributes:
        macs: MACs that it computes in a second.
        start: Seconds until it has the pack.
        clocks: Clocks that each latency and switch is measured with.
        agent: Environment of its agent, as `build` names it; empty if its build is not known.
        alone: Whether no more emulators of it can be started, as of one on another machine.
    """

    macs: float
    start: float
    clocks: int
    agent: str = ""
    alone: bool = False


SPEEDS = {
    "nano33ble": Speed(300e6, 2.0, 2, build.EMULATED),
    "pi": Speed(75e6, 12.0, 1, build.EMULATED_LINUX),
    "android": Speed(75e6, 12.0, 1, build.EMULATED_LINUX),
}
"""Speeds by target; NEON takes QEMU several times as long as the Nano's instructions."""
_UNKNOWN = Speed(75e6, 12.0, 2)
"""Speed of an emulated target of others."""


def speed_of(board: SelectedBoard) -> Speed | None:
    """Return the speed of an emulated board, None for others."""
    if board.absent or board.provenance is not Provenance.EMULATED:
        return None
    return replace(SPEEDS.get(board.entry.target, _UNKNOWN), alone=board.entry.emulated)


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
