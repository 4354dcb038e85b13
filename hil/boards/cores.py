"""Emulate any Cortex-M that QEMU has, to run the same networks on each: bits and counts of instructions.

These are no targets: a target is a board that people have.
"""

from contextlib import AbstractContextManager

from hil.boards import emulated_board
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.emulators.bare_board import Machine
from hil.firmware.bare_metal import BareMetal

CORES = {
    "cortex-m3": Machine("mps2-an385"),
    "cortex-m4": Machine("mps2-an386"),
    "cortex-m7": Machine("mps2-an500"),
    "cortex-m33": Machine("mps2-an505"),
    "cortex-m55": Machine("mps3-an547", shared=2 << 30),
}
"""Machines by their processor."""


def firmware(core: str) -> BareMetal:
    """Return the agent for a processor."""
    return BareMetal(core, "mps", options={"CORE": core})


def open_core(core: str) -> AbstractContextManager[Board]:
    """Start an emulator of a processor in CORES; leaving the `with` block stops it.

    Raises `BuildError` or `EmulatorError` if the compiler or QEMU is missing or fails.
    """
    return emulated_board.start(Entry(core, core), firmware(core), CORES[core])
