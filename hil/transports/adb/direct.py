"""Talk to a device directly, with several streams over the messages of adb-shell.

adb-shell itself offers no stream that is read and written at once. One thread uses a login. Whoever waits for
one stream reads the messages of all streams.
"""

import struct
from contextlib import suppress

from adb_shell.adb_message import AdbMessage, checksum, unpack
from adb_shell.constants import CLSE, MAX_ADB_DATA, MESSAGE_SIZE, OKAY, OPEN, WIRE_TO_ID, WRTE

from hil.transports.adb.key import Key
from hil.transports.adb.login import log_in
from hil.transports.adb.stream import LOST, NoService
from hil.transports.adb.wire import Wire
from hil.transports.deadline import Deadline

_SHORT_SECONDS = 1.0
"""Seconds to send a message without data, also if the deadline of a read has passed meanwhile."""


class Direct:
    """A login on a device. Raises `LoginError`, `LinkError` or `DeadlineError`."""

    def __init__(self, wire: Wire, key: Key) -> None:
        self.name = wire.name
        self._wire = wire
        self._held = bytearray()
        self._streams: dict[int, DirectStream] = {}
        self._opened = 0
        self._lost = False
        try:
            self._most = log_in(wire, key)
        except BaseException:
            self.close()
            raise

    def open(self, service: str, deadline: Deadline) -> "DirectStream":
        """Open a stream to a service of the device. Raises `NoService`, or an error in `LOST`."""
        self._opened += 1
        stream = DirectStream(self, self._opened, self._most)
        self._streams[self._opened] = stream
        self.send(OPEN, self._opened, 0, service.encode() + b"\0", deadline)
        while not stream.theirs:
            if stream.closed:
                raise NoService("the device closed the service at once")
            self.step(deadline)
        return stream

    def alive(self) -> bool:
        """Return whether no message has failed so far."""
        return not self._lost

    def close(self) -> None:
        """Close the login and all its streams."""
        self._lost = True
        self._wire.close()

    def send(self, command: bytes, ours: int, theirs: int, data: bytes, deadline: Deadline) -> None:
        """Send one message. If only a part is sent, no other message can follow, so the login is closed."""
        deadline.remaining()
        self._wire.deadline = deadline
        try:
            self._wire.bulk_write(AdbMessage(command, ours, theirs, data).pack())
            if data:
                self._wire.bulk_write(data)
        except LOST:
            self.close()
            raise

    def step(self, deadline: Deadline) -> None:
        """Read one message and pass it to its stream."""
        self._wire.deadline = deadline
        try:
            command, theirs, ours, data = self._message()
        except TimeoutError:
            raise  # the part of the message that arrived is kept
        except LOST:
            self.close()
            raise
        if stream := self._streams.get(ours):
            stream.take(command, theirs, data)
            if stream.closed:
                del self._streams[ours]
        elif command in (OKAY, WRTE):
            self.send(CLSE, 0, theirs, b"", Deadline.after(_SHORT_SECONDS))

    def _message(self) -> tuple[bytes, int, int, bytes]:
        self._fill(MESSAGE_SIZE)
        word, theirs, ours, size, total = unpack(bytes(self._held[:MESSAGE_SIZE]))
        (magic,) = struct.unpack_from("<I", self._held, MESSAGE_SIZE - 4)
        if word ^ magic != 0xFFFFFFFF or size > MAX_ADB_DATA:
            raise EOFError("the bytes that arrived are not ADB")
        self._fill(MESSAGE_SIZE + size)
        data = bytes(self._held[MESSAGE_SIZE:])
        self._held.clear()
        if checksum(data) != total:
            raise EOFError("a message has a wrong checksum")
        return WIRE_TO_ID.get(word, b""), theirs, ours, data

    def _fill(self, size: int) -> None:
        while len(self._held) < size:
            self._held += self._wire.bulk_read(size - len(self._held))


class DirectStream:
    """A stream with the number `ours`. A message is sent only after the one before was acknowledged."""

    def __init__(self, link: Direct, ours: int, most: int) -> None:
        self.theirs = 0
        self.closed = False
        self._link, self._ours, self._most = link, ours, most
        self._taken = False
        self._came = b""

    def take(self, command: bytes, theirs: int, data: bytes) -> None:
        """Handle a message for this stream."""
        if command == OKAY:
            self.theirs, self._taken = theirs, True
        elif command == WRTE and not self._came:
            self._came = data
        elif command == WRTE:  # else a flood would fill the memory
            self._link.close()
            raise EOFError("a message came before the one before was acknowledged")
        elif command == CLSE:
            self.closed = True

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        for at in range(0, len(data), self._most):
            while not self._taken and not self.closed:
                self._link.step(deadline)
            if self.closed:
                raise EOFError("the service has ended")
            self._taken = False
            self._link.send(WRTE, self._ours, self.theirs, data[at : at + self._most], deadline)

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte, or none after the service has ended."""
        while not self._came:
            if self.closed:
                return b""
            self._link.step(deadline)
        data, self._came = self._came, b""
        if not self.closed:
            self._link.send(OKAY, self._ours, self.theirs, b"", Deadline.after(_SHORT_SECONDS))
        return data

    def close(self) -> None:
        """End the service."""
        if not self.closed:
            self.closed = True
            with suppress(*LOST):
                self._link.send(CLSE, self._ours, self.theirs, b"", Deadline.after(_SHORT_SECONDS))
