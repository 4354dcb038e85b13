"""Run an agent on a machine of QEMU that has a UART, and perhaps memory that it shares with this machine.

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
from hil.transports.serial import SerialTransport
from hil.transports.transport import Advice, Transport

_USED = 16 << 20
"""Bytes of the shared memory that an agent uses, from its begin."""
_PTY = re.compile(rb"redirected to (\S+)")


@dataclass(frozen=True)
class Machine:
    """A machine of QEMU.

    Attributes:
        name: What QEMU calls it.
        qemu: Program that emulates it.
        options: Further arguments of QEMU.
        shared: Bytes of its RAM if all of it is shared, with a mailbox for the host's bytes.
        mailbox: Whether there is a mailbox; without one the UART takes the host's bytes, 25 us each.
        shift: Logarithm of the nanoseconds that an instruction takes. The agent's port converts the ticks of
            its clock by the same number.
        uart: Number of the UART that the agent uses.
    """

    name: str
    qemu: str = "qemu-system-arm"
    options: tuple[str, ...] = ()
    shared: int = _USED
    mailbox: bool = True
    shift: int = 8
    uart: int = 0


class BareBoard(Qemu):
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
        super().__init__(machine.qemu, board)
        self._machine = machine
        try:
            self.launch([*self._arguments(elf), *self._memory(), *self.options(elf)])
            self._port = self.expect(_PTY, 10)[1].decode()
        except BaseException:
            self.stop()
            raise

    def options(self, elf: Path) -> Sequence[str]:
        """Return further arguments of QEMU for the agent at `elf`."""
        return ()

    def open(self, advice: Advice) -> Transport:
        """Open the byte stream to the agent. Raises `LinkError` if QEMU has ended."""
        if self._machine.mailbox:
            return MailboxTransport(self._port, self.folder / "memory", advice)
        return SerialTransport(self._port, advice)

    def _memory(self) -> list[str]:
        if self._machine.mailbox:
            self._make_memory(self._machine.shared or _USED)
        if not (size := self._machine.shared):
            return ["-machine", self._machine.name]
        return [
            *("-machine", f"{self._machine.name},memory-backend=shared", "-m", f"{size >> 20}M"),
            *("-object", f"memory-backend-file,id=shared,size={size},mem-path=memory,share=on"),
        ]

    def _make_memory(self, size: int) -> None:
        try:
            with (self.folder / "memory").open("wb") as memory:
                os.posix_fallocate(memory.fileno(), 0, _USED)  # else a full disk would end QEMU later
                memory.truncate(size)
        except OSError as error:
            lacks = f"{self.folder.parent} has no {_USED >> 20} MB for the board's memory: {error.strerror}"
            raise EmulatorError(f"{lacks}; make room there, or set TMPDIR to another folder") from error

    def _arguments(self, elf: Path) -> list[str]:
        return [
            *("-display", "none", "-monitor", "none", "-kernel", self.link("agent.elf", elf)),
            *("-serial", "null") * self._machine.uart,
            *("-serial", "pty"),
            *("-icount", f"shift={self._machine.shift},align=off,sleep=on"),
            *self._machine.options,
        ]
