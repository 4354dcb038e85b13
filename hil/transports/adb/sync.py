"""Store a file over ADB's sync service: one request, then one answer."""

import struct
import time

from hil.transports.adb.stream import Stream
from hil.transports.deadline import Deadline
from reds.text import printable

_HEAD = struct.Struct("<4sI")
_PIECE = 64 << 10
"""Most bytes of a file that a device accepts in one piece."""
_MODE = 0o100600
_LONGEST = 4 << 10


class Refused(Exception):  # noqa: N818, it names what happened, not a bug
    """The device does not store the file; the text is its reason."""


def send(stream: Stream, data: bytes, path: str, deadline: Deadline) -> None:
    """Write the file `path`, readable for its owner only. Raises `Refused`, or an error of the stream."""
    stream.write(request(data, path, int(time.time())), deadline)
    arrived = _until(stream, b"", _HEAD.size, deadline)
    answer, size = _HEAD.unpack_from(arrived)
    if answer == b"FAIL" and size <= _LONGEST:
        reason = _until(stream, arrived, _HEAD.size + size, deadline)[_HEAD.size :]
        raise Refused(printable(reason.decode(errors="replace")))
    if answer != b"OKAY":
        raise EOFError(f"the device answered {answer!r} to a file")


def request(data: bytes, path: str, seconds: int) -> bytes:
    """Return the request that stores `data`, with its time in seconds since 1970."""
    target = f"{path},{_MODE}".encode()
    parts = [_HEAD.pack(b"SEND", len(target)), target]
    for at in range(0, len(data), _PIECE):
        piece = data[at : at + _PIECE]
        parts += [_HEAD.pack(b"DATA", len(piece)), piece]
    return b"".join((*parts, _HEAD.pack(b"DONE", seconds)))


def _until(stream: Stream, said: bytes, size: int, deadline: Deadline) -> bytes:
    """Read until `size` bytes have arrived, with those that `arrived` before, and return them all."""
    while len(said) < size:
        more = stream.read(deadline)
        if not more:
            raise EOFError("the device ended the transfer")
        said += more
    return said
