"""Frames of the agent protocol: bytes to frames and back, whatever the bytes are.

The format is defined in `protocol.py`. A zero byte ends every frame and appears nowhere else, so a reader
that has lost its place is back in step at the next zero.
"""

import struct
import zlib
from dataclasses import dataclass

from cobs import cobs

from hil.errors import FrameError
from hil.link.protocol import OVERHEAD

_HEAD = struct.Struct("<BB")
_CRC = struct.Struct("<I")
LARGEST = 1 << 16
"""Bytes that a reader holds at most while it waits for the zero that ends a frame."""


@dataclass(frozen=True)
class Frame:
    """One request or answer. `command` and `sequence` are 0 to 255."""

    command: int
    sequence: int
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """The frame's bytes on the line, its closing zero included."""
    body = _HEAD.pack(frame.command, frame.sequence) + frame.payload
    return bytes(cobs.encode(body + _CRC.pack(zlib.crc32(body)))) + b"\0"


def decode(raw: bytes) -> Frame:
    """The frame that `raw` (without its closing zero) holds. Raises `FrameError` if it is damaged."""
    try:
        body = bytes(cobs.decode(raw))
    except cobs.DecodeError as error:
        raise FrameError(f"a frame of {len(raw)} bytes is not COBS: {error}") from error
    if len(body) < OVERHEAD:
        raise FrameError(f"a frame of {len(body)} bytes is shorter than the {OVERHEAD} that every frame has")
    (crc,) = _CRC.unpack(body[-_CRC.size :])
    if crc != zlib.crc32(body[: -_CRC.size]):
        raise FrameError(f"the checksum of a frame of {len(body)} bytes does not match")
    command, sequence = _HEAD.unpack(body[: _HEAD.size])
    return Frame(command, sequence, body[_HEAD.size : -_CRC.size])


class Reader:
    """Takes bytes as they come and gives frames back, damaged ones as a `FrameError`."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._held = bytearray()
        self._overrun = False

    def feed(self, data: bytes) -> None:
        """Add bytes that came over the line."""
        self._held += data

    def next(self) -> Frame | None:
        """The next whole frame, or None until more bytes come.

        Raises `FrameError` for a damaged frame, or once for one longer than the reader holds; the next
        call goes on behind it.
        """
        while (end := self._held.find(0)) >= 0:
            raw = bytes(self._held[:end])
            del self._held[: end + 1]
            if self._overrun:
                self._overrun = False  # the tail of a frame already reported
            elif len(raw) > self._largest:
                raise FrameError(f"a frame of {len(raw)} bytes is longer than any the protocol has")
            elif raw:
                return decode(raw)
        if self._overrun or len(self._held) > self._largest:
            self._held.clear()
            if not self._overrun:
                self._overrun = True
                raise FrameError(f"{self._largest} bytes came without the zero that ends a frame")
        return None
