"""Run an agent on a machine of QEMU that shares memory with this one, where a mailbox lies.

With `-icount` time is a function of the executed instructions, so that counts repeat exactly, whatever else
this machine does.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.emulators.mailbox import MailboxTransport
from hil.emulators.qemu import Qemu
from hil.errors import EmulatorError
from hil.transports.transport import Advice

QEMU = "qemu-system-arm"
_SHIFT = 8
"""2^8 ns an instruction: the agent's port converts the ticks of its clock by the same number."""
_USED = 16 << 20
"""Bytes of the shared memory that an agent uses, from its begin."""
_PTY = re.compile(rb"redirected to (\S+)")


@dataclass(frozen=True)
class Machine:
    """A machine of QEMU.

    Attributes:
        name: What QEMU calls it.
        memory: Bytes of its RAM, all of which is shared.
    """

    name: str
    memory: int = _USED


class MailboxBoard(Qemu):
    """A running emulator; `open` talks to its agent."""

    def __init__(self, board: str, machine: Machine, elf: Path) -> None:
        """Start the agent at `elf`.

        Args:
            board: Name of the board, for errors.
            machine: The machine.
            elf: The agent.

        Raises:
            EmulatorError: QEMU is missing or does not start.
        """
        super().__init__(QEMU, board)
        try:
            self._share(machine.memory)
            self.launch([*self._arguments(machine, elf), *self.options(elf)])
            self._port = self.expect(_PTY, 10)[1].decode()
        except BaseException:
            self.stop()
            raise

    def options(self, elf: Path) -> Sequence[str]:
        """Return further arguments of QEMU."""
        return ()

    def open(self, advice: Advice) -> MailboxTransport:
        """Open the byte stream to the agent. Raises `LinkError` if QEMU has ended."""
        return MailboxTransport(self._port, self.folder / "memory", advice)

    def _share(self, size: int) -> None:
        try:
            with (self.folder / "memory").open("wb") as memory:
                os.posix_fallocate(memory.fileno(), 0, _USED)  # else a full disk would end QEMU later
                memory.truncate(size)
        except OSError as error:
            lacks = f"{self.folder.parent} has no {_USED >> 20} MB for the board's memory: {error.strerror}"
            raise EmulatorError(f"{lacks}; make room there, or set TMPDIR to another folder") from error

    def _arguments(self, machine: Machine, elf: Path) -> list[str]:
        return [
            *("-display", "none", "-monitor", "none", "-serial", "pty"),
            *("-kernel", self.link("agent.elf", elf)),
            *("-machine", f"{machine.name},memory-backend=shared", "-m", f"{machine.memory >> 20}M"),
            *("-object", f"memory-backend-file,id=shared,size={machine.memory},mem-path=memory,share=on"),
            *("-icount", f"shift={_SHIFT},align=off,sleep=on"),
        ]
