"""Encode frames of the agent protocol, and decode them from any bytes.

`definition.py` defines the format. A zero byte ends every frame and appears nowhere else, so a reader that
has lost its place finds it again at the next zero.
"""

import zlib
from dataclasses import dataclass

from cobs import cobs

from hil.errors import FrameError
from hil.protocol.definition import CHECKSUM, FRAME_HEAD, OVERHEAD

LARGEST = 1 << 16
"""Most bytes that a reader keeps while it waits for the zero that ends a frame."""


@dataclass(frozen=True)
class Frame:
    """One request or answer. `command` and `sequence` are 0 to 255."""

    command: int
    sequence: int
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame on the stream, its closing zero included."""
    body = FRAME_HEAD.pack(frame.command, frame.sequence) + frame.payload
    return bytes(cobs.encode(body + CHECKSUM.pack(zlib.crc32(body)))) + b"\0"


def decode(raw: bytes) -> Frame:
    """Decode a frame without its closing zero. Raises `FrameError` if it is damaged."""
    try:
        body = bytes(cobs.decode(raw))
    except cobs.DecodeError as error:
        raise FrameError(f"a frame of {len(raw)} bytes is not COBS: {error}") from error
    if len(body) < OVERHEAD:
        raise FrameError(f"a frame has {len(body)} bytes, fewer than the least of {OVERHEAD}")
    end = len(body) - CHECKSUM.size
    if CHECKSUM.read(body, end)["crc"] != zlib.crc32(body[:end]):
        raise FrameError(f"the checksum of a frame of {len(body)} bytes does not match")
    return Frame(**FRAME_HEAD.read(body), payload=body[FRAME_HEAD.size : end])


class Reader:
    """Splits a stream of bytes into frames."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._held = bytearray()
        self._overrun = False

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._held += data

    def next(self) -> Frame | None:
        """Return the next complete frame, or None until more bytes arrive.

        Raises:
            FrameError: A frame is damaged, or longer than the reader keeps. The next call continues after it.
        """
        while (end := self._held.find(0)) >= 0:
            raw = bytes(self._held[:end])
            del self._held[: end + 1]
            if self._overrun:
                self._overrun = False  # the tail of a frame already reported
            elif len(raw) > self._largest:
                raise FrameError(f"a frame has {len(raw):,} bytes, more than the limit of {self._largest:,}")
            elif raw:
                return decode(raw)
        if self._overrun or len(self._held) > self._largest:
            self._held.clear()
            if not self._overrun:
                self._overrun = True
                raise FrameError(f"{self._largest} bytes came without the zero that ends a frame")
        return None
