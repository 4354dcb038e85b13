"""x"""

from contextlib import AbstractContextManager

from hil.boards import emulated_board
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.emulators.bare_board import Machine
from hil.firmware.bare_metal import BareMetal

HAS_EMULATOR = True
AGENT = BareMetal("stm32f4", "stm32f4")
MACHINE = Machine(
    "netduinoplus2", options=("-semihosting-config", "enable=on,target=native"), shared=0, shift=0, uart=1
)


def start(entry: Entry, provenance: Provenance) -> AbstractContextManager[Board]:
    """Open the emulated board."""
    return emulated_board.start(entry, AGENT, MACHINE)
