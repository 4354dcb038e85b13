"""Spoil a stream of bytes: each function gets the chunks from the fault's byte on, and yields what is sent.

A number in place of bytes is a pause in seconds. The end of a function closes the stream.
"""

import math
import random
from collections.abc import Callable, Generator, Iterator

from hil.protocol.frame import Frame, encode
from tests.chaos.faults import Fault

Sent = Iterator[bytes | float]
Spoil = Callable[[Fault, random.Random, Iterator[bytes]], Sent]
_PIECE = 1 << 12


def up_to(chunks: Iterator[bytes], at: int) -> Generator[bytes, None, bytes]:
    """Yield what comes before byte `at`, and return the part of the last chunk from it on."""
    passed = 0
    for chunk in chunks:
        if passed + len(chunk) > at:
            yield chunk[: at - passed]
            return chunk[at - passed :]
        yield chunk
        passed += len(chunk)
    return b""


def drop(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield next(chunks, b"")[fault.amount :]
    yield from chunks


def flip(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    first = bytearray(next(chunks, b""))
    for _ in range(min(fault.amount, 8) if first else 0):
        first[rng.randrange(min(len(first), fault.amount))] ^= 1 << rng.randrange(8)
    yield bytes(first)
    yield from chunks


def twice(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    first = next(chunks, b"")
    yield first[: fault.amount] + first
    yield from chunks


def insert(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield rng.randbytes(fault.amount)
    yield from chunks


def pause(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield fault.seconds
    yield from chunks


def stall(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    for _ in chunks:
        yield b""


def stop_reading(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield math.inf


def close(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield b""


def zeros(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    while True:
        yield bytes(_PIECE)


def noise(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    while True:
        yield rng.randbytes(_PIECE)


def endless_frame(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    while True:
        yield b"\x01" * _PIECE


def flood(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    size = rng.choice([0, 8, 64, 1000])
    while True:
        frame = Frame(rng.choice([0x81, 0x87, 0x88, 0x42]), rng.randrange(200, 256), rng.randbytes(size))
        yield encode(frame)


def drip(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    for chunk in chunks:
        for at in range(len(chunk)):
            yield chunk[at : at + 1]
            yield fault.seconds


def ignore_end(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield from chunks
    yield math.inf


SPOILS: dict[str, Spoil] = {
    "drop bytes": drop,
    "flip a bit": flip,
    "send bytes twice": twice,
    "insert noise": insert,
    "pause": pause,
    "stall": stall,
    "stop reading": stop_reading,
    "close": close,
    "send zeros for ever": zeros,
    "send noise for ever": noise,
    "send a frame without an end": endless_frame,
    "flood with valid frames": flood,
    "drip": drip,
    "ignore the end": ignore_end,
}
"""By the names of `faults.BYTES`."""
