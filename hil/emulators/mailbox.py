"""Send bytes to the emulated Nano through memory that it shares with this machine.

QEMU's UART carries one byte after the other from its main thread to its processor's, 25 us each: the 27 kB of
one picture take longer than all its inferences. So the bytes lie in a ring in shared memory, and the UART
carries one byte for each write, a doorbell. The board's answers are short and come over the UART.

The ring begins at `AT` of the memory: u32 bytes written so far, u32 bytes read so far, then `SIZE` bytes. The
board's end is in targets/nano33ble/src/emulated/port.c.
"""

import mmap
import struct
import time
from pathlib import Path

from hil.errors import DeadlineError, LinkError
from hil.transports.deadline import Deadline
from hil.transports.serial import SerialTransport
from hil.transports.transport import Advice

AT = 0x1000
"""Byte of the shared memory at which the ring begins."""
SIZE = 1 << 15
"""Bytes that the ring holds."""
_COUNTERS = struct.Struct("<I")
_WRITTEN, _READ, _DATA = AT, AT + 4, AT + 8
_FULL_SECONDS = 0.001
"""Seconds between two looks at a full ring."""


class MailboxTransport:
    """A byte stream to the agent of an emulated Nano.

    Args:
        port: Path of the pseudo terminal of its UART.
        memory: File of the shared memory.
        advice: Remedies for errors.

    Raises:
        LinkError: The emulator has ended, or another program talks to it.
    """

    def __init__(self, port: str, memory: Path, advice: Advice) -> None:
        self._uart = SerialTransport(port, advice)
        self.name, self.advice = self._uart.name, advice
        try:
            with memory.open("r+b") as file:
                self._memory = mmap.mmap(file.fileno(), _DATA + SIZE)
        except OSError as error:
            self._uart.close()
            raise LinkError(f"{self.name} is lost: {error.strerror}") from error

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        if self._memory.closed:
            raise LinkError(f"{self.name} is closed; open it again")
        left = memoryview(data)
        while left:
            written = self._counter(_WRITTEN)
            at, room = written % SIZE, SIZE - (written - self._counter(_READ)) % (1 << 32)
            piece = left[: min(room, SIZE - at)]
            if not piece:
                self._wait(len(data), deadline)
                continue
            self._memory[_DATA + at : _DATA + at + len(piece)] = bytes(piece)
            _COUNTERS.pack_into(self._memory, _WRITTEN, (written + len(piece)) % (1 << 32))
            self._uart.write(b"\0", deadline)
            left = left[len(piece) :]

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte that arrived."""
        return self._uart.read(deadline)

    def close(self) -> None:
        """Close the stream; closing it twice is harmless."""
        self._uart.close()
        self._memory.close()

    def _counter(self, at: int) -> int:
        return int(_COUNTERS.unpack_from(self._memory, at)[0])

    def _wait(self, size: int, deadline: Deadline) -> None:
        """Let the board read for a moment. Raises `DeadlineError` if no time is left."""
        if deadline.passed:
            raise DeadlineError(f"{self.name} did not take {size:,} bytes within {deadline.span:g} s")
        time.sleep(min(_FULL_SECONDS, deadline.left))
