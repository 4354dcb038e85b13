"""A shell script that runs on a device, over ADB's shell protocol: raw, without a terminal."""

import struct

from hil.transports.adb.stream import LOST, Stream
from hil.transports.deadline import Deadline

SERVICE = "shell,v2,raw:"
_HEAD = struct.Struct("<BI")
_INPUT, _OUTPUT, _COMPLAINT, _EXIT, _END_INPUT = range(5)
_LARGEST = 1 << 20
"""Bytes that a packet may hold."""
_KILLED = 0x80
"""Set in the exit status of what a signal has ended."""


class ShellSession:
    """What runs at the other end of `stream`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held, self._out, self._complaint = b"", b"", b""
        self._status: int | None = None
        self._ended = False

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Give it all of `data` as its input."""
        self._stream.write(_HEAD.pack(_INPUT, len(data)) + data, deadline)

    def end_input(self, deadline: Deadline) -> None:
        """Let it read no more."""
        self._stream.write(_HEAD.pack(_END_INPUT, 0), deadline)

    def read(self, deadline: Deadline) -> bytes:
        """What it has written; nothing once there will be no more."""
        while not self._out and not self._ended:
            self._take(deadline)
        out, self._out = self._out, b""
        return out

    def complaint(self) -> bytes:
        """All that has come of its standard error so far."""
        return self._complaint

    def status(self, seconds: float) -> int | None:
        """Its exit status, below 0 if a signal has ended it or the connection is lost."""
        deadline = Deadline.after(seconds)
        try:
            while self._status is None and not self._ended:
                self._take(deadline)
        except TimeoutError:
            return None
        except LOST:
            return -1
        return -1 if self._status is None else self._status

    def close(self) -> None:
        """Let go of it."""
        self._stream.close()

    def _take(self, deadline: Deadline) -> None:
        """Take what has come apart."""
        data = self._stream.read(deadline)
        self._ended = not data
        self._held += data
        while len(self._held) >= _HEAD.size:
            kind, size = _HEAD.unpack_from(self._held)
            if size > _LARGEST:
                raise EOFError(f"a packet of {size:,} bytes came")
            end = _HEAD.size + size
            if len(self._held) < end:
                return
            self._put(kind, self._held[_HEAD.size : end])
            self._held = self._held[end:]

    def _put(self, kind: int, data: bytes) -> None:
        if kind == _OUTPUT:
            self._out += data
        elif kind == _COMPLAINT:
            self._complaint += data
        elif kind == _EXIT and data:
            self._status = -(data[0] & ~_KILLED) if data[0] > _KILLED else data[0]
