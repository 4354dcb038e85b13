"""Run a shell script on a device over ADB's shell protocol, raw and without a terminal."""

import struct

from hil.transports.adb.stream import LOST, Stream
from hil.transports.deadline import Deadline
from hil.transports.machine import MOST_ERRORS

SERVICE = "shell,v2,raw:"
_HEAD = struct.Struct("<BI")
_STDIN, _STDOUT, _STDERR, _EXIT, _END_STDIN = range(5)
_LARGEST = 1 << 20
"""Most bytes that a packet may hold."""
_KILLED = 0x80
"""Bit of the exit status that is set if a signal ended the script."""


class ShellSession:
    """The shell script at the other end of `stream`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held, self._out, self._stderr = b"", bytearray(), bytearray()
        self._status: int | None = None
        self._ended = False

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Write all of `data` to the standard input of the script."""
        self._stream.write(_HEAD.pack(_STDIN, len(data)) + data, deadline)

    def end_input(self, deadline: Deadline) -> None:
        """End the standard input of the script."""
        self._stream.write(_HEAD.pack(_END_STDIN, 0), deadline)

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte of standard output, or none at its end."""
        while not self._out and not self._ended:
            self._take(deadline)
        out, self._out = self._out, bytearray()
        return bytes(out)

    def stderr(self) -> bytes:
        """Return the standard error that has arrived so far, at most the first `MOST_ERRORS` bytes."""
        return bytes(self._stderr)

    def status(self, seconds: float) -> int | None:
        """Return the exit status, or None if it is unknown after `seconds`.

        It is negative if a signal ended the script, or the stream to it was lost.
        """
        deadline = Deadline.after(seconds)
        try:
            while self._status is None and not self._ended:
                self._take(deadline)
                self._out.clear()  # nobody reads it any more
        except TimeoutError:
            return None
        except LOST:
            return -1
        return -1 if self._status is None else self._status

    def close(self) -> None:
        """Release the session."""
        self._stream.close()

    def _take(self, deadline: Deadline) -> None:
        """Read bytes and split them into packets."""
        data = self._stream.read(deadline)
        self._ended = not data
        self._held += data
        at = 0
        while len(self._held) - at >= _HEAD.size:
            kind, size = _HEAD.unpack_from(self._held, at)
            if size > _LARGEST:
                raise EOFError(f"a packet has {size:,} bytes, more than the limit of {_LARGEST:,}")
            end = at + _HEAD.size + size
            if len(self._held) < end:
                break
            self._put(kind, self._held[at + _HEAD.size : end])
            at = end
        self._held = self._held[at:]

    def _put(self, kind: int, data: bytes) -> None:
        if kind == _STDOUT:
            self._out += data
        elif kind == _STDERR:
            self._stderr += data[: MOST_ERRORS - len(self._stderr)]
        elif kind == _EXIT and data:
            self._status = -(data[0] & ~_KILLED) if data[0] > _KILLED else data[0]
