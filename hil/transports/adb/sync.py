"""Storing a file over ADB's sync service: its whole request, then one answer."""

import struct
import time

from hil.transports.adb.stream import Stream
from hil.transports.deadline import Deadline

_HEAD = struct.Struct("<4sI")
_PIECE = 64 << 10
"""The most that a device takes in one piece."""
_MODE = 0o100600
_LONGEST = 4 << 10


class Refused(Exception):  # noqa: N818, it names what happened, not a bug
    """The device does not store the file; the text is its reason."""


def send(stream: Stream, data: bytes, path: str, deadline: Deadline) -> None:
    """Write `path`, for its owner only. Raises `Refused`, or what the stream does."""
    stream.write(request(data, path, int(time.time())), deadline)
    said = _until(stream, b"", _HEAD.size, deadline)
    answer, size = _HEAD.unpack_from(said)
    if answer == b"FAIL" and size <= _LONGEST:
        raise Refused(
            _until(stream, said, _HEAD.size + size, deadline)[_HEAD.size :].decode(errors="replace")
        )
    if answer != b"OKAY":
        raise EOFError(f"the device answered {answer!r} to a file")


def request(data: bytes, path: str, seconds: int) -> bytes:
    """The bytes that ask to store `data`, as of so many seconds since 1970."""
    target = f"{path},{_MODE}".encode()
    parts = [_HEAD.pack(b"SEND", len(target)), target]
    for at in range(0, len(data), _PIECE):
        piece = data[at : at + _PIECE]
        parts += [_HEAD.pack(b"DATA", len(piece)), piece]
    return b"".join((*parts, _HEAD.pack(b"DONE", seconds)))


def _until(stream: Stream, said: bytes, size: int, deadline: Deadline) -> bytes:
    """What was said, once it is of so many bytes."""
    while len(said) < size:
        more = stream.read(deadline)
        if not more:
            raise EOFError("the device ended the transfer")
        said += more
    return said
