"""Emulate any Cortex-M that QEMU has, to run the same networks on each: bits and counts of instructions.

These are no targets: a target is a board that people have.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from hil.boards.board import START_SECONDS, Board
from hil.boards.entry import Entry
from hil.boards.facts import Identity, Provenance
from hil.boards.greeting import EMULATED_SECONDS, greet
from hil.emulators.mailbox_board import Machine, MailboxBoard
from hil.firmware import build
from hil.firmware.bare_metal import BareMetal
from hil.transports.serial import HARDWARE_ADVICE

CORES = {
    "cortex-m3": Machine("mps2-an385"),
    "cortex-m4": Machine("mps2-an386"),
    "cortex-m7": Machine("mps2-an500"),
    "cortex-m33": Machine("mps2-an505"),
    "cortex-m55": Machine("mps3-an547", 2 << 30),
}
"""Machines by their processor."""


def firmware(core: str) -> BareMetal:
    """Return the agent for a processor."""
    return BareMetal(core, "mps", options={"CORE": core})


@contextmanager
def open_core(core: str) -> Iterator[Board]:
    """Start an emulator of a processor in CORES, and stop it at the end of the `with` block.

    Raises:
        BuildError: The agent does not build.
        EmulatorError: QEMU is missing or does not start.
    """
    with MailboxBoard(core, CORES[core], build.agent(firmware(core))) as emulator:
        transport = emulator.open(HARDWARE_ADVICE)
        entry = Entry(core, core)
        agent, hello = greet(entry, transport, START_SECONDS, None, EMULATED_SECONDS)
        with agent:
            yield Board(entry, Provenance.EMULATED, agent, hello, None, Identity(emulator=emulator.version))
