"""Open a 32-bit RISC-V board, which exists only in QEMU: its machine `virt`, which counts instructions."""

from contextlib import AbstractContextManager

from hil.boards import emulated_board
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.speed import Speed
from hil.emulators.bare_board import Machine
from hil.firmware.bare_metal import BareMetal

HAS_EMULATOR = True
AGENT = BareMetal("rv32", "rv32", "riscv64-unknown-elf-gcc")
MACHINE = Machine("virt", "qemu-system-riscv32", ("-bios", "none"))

SPEED = Speed(75e6, 1.0, 1, AGENT)


def start(entry: Entry, provenance: Provenance) -> AbstractContextManager[Board]:
    """Open the emulated board."""
    return emulated_board.start(entry, AGENT, MACHINE)
