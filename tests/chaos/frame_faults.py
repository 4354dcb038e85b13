"""Spoil the frames of the agent protocol: each function gets the frames from the fault's one on, undecoded.

A frame comes as its bytes on the stream, its closing zero included. What is sent has a right checksum.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from hil.errors import FrameError
from hil.protocol.definition import ANSWER, ERROR, Command
from hil.protocol.definition import Fault as Code
from hil.protocol.frame import Frame, decode, encode
from tests.chaos.byte_faults import Sent, Spoil
from tests.chaos.faults import Fault
from tests.chaos.lies import lie

_TEXTS = ("no", "two\nlines", "\x1b[31mred\x1b[0m", "[/red]", "x" * 900, "\u202egnirts", "\0\r\t")
Change = Callable[[Frame, random.Random, Fault], Frame]


def frames(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Split chunks after each zero."""
    held = b""
    for chunk in chunks:
        held += chunk
        while (end := held.find(0)) >= 0:
            yield held[: end + 1]
            held = held[end + 1 :]
    yield held


def lose(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    next(chunks, b"")
    yield from chunks


def twice(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield next(chunks, b"") * 2
    yield from chunks


def for_ever(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    frame = next(chunks, b"\0")
    while True:
        yield frame


def swap(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    first = next(chunks, b"")
    yield next(chunks, b"") + first
    yield from chunks


def late(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield fault.seconds
    yield from chunks


def unended(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    yield next(chunks, b"").rstrip(b"\0")
    yield from chunks


def slow(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
    for frame in chunks:
        yield fault.seconds
        yield frame


def once(change: Change) -> Spoil:
    """Return the function that changes one frame."""

    def spoil(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
        yield _changed(next(chunks, b""), change, rng, fault)
        yield from chunks

    return spoil


def each(change: Change) -> Spoil:
    """Return the function that changes every frame."""

    def spoil(fault: Fault, rng: random.Random, chunks: Iterator[bytes]) -> Sent:
        for frame in chunks:
            yield _changed(frame, change, rng, fault)

    return spoil


def renumber(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    return replace(frame, sequence=rng.choice([0, (frame.sequence + 1) % 256, rng.randrange(256)]))


def rename(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    return replace(frame, command=rng.randrange(256))


def shorten(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    return replace(frame, payload=frame.payload[: -fault.amount])


def lengthen(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    return replace(frame, payload=frame.payload + rng.randbytes(fault.amount))


def change(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    payload = bytearray(frame.payload)
    for _ in range(min(fault.amount, 16) if payload else 0):
        payload[rng.randrange(len(payload))] = rng.randrange(256)
    return replace(frame, payload=bytes(payload))


def refuse(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    code = rng.choice([Code.BAD_FRAME, Code.BAD_FRAME, *Code, 0, 200])
    number = rng.choice([frame.sequence, frame.sequence, 0])
    return Frame(Command.ERROR | ANSWER, number, ERROR.pack(code) + rng.choice(_TEXTS).encode())


def refuse_as_damaged(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    return Frame(Command.ERROR | ANSWER, frame.sequence, ERROR.pack(Code.BAD_FRAME) + b"damaged")


def lie_about(frame: Frame, rng: random.Random, fault: Fault) -> Frame:
    return lie(frame, random.Random(fault.seed))


def _changed(raw: bytes, change: Change, rng: random.Random, fault: Fault) -> bytes:
    try:
        return encode(change(decode(raw.rstrip(b"\0")), rng, fault))
    except FrameError:  # the empty frame that the host begins with
        return raw


SPOILS: dict[str, Spoil] = {
    "lose a frame": lose,
    "send a frame twice": twice,
    "send a frame for ever": for_ever,
    "swap two frames": swap,
    "send a frame late": late,
    "number a frame otherwise": once(renumber),
    "cut a frame's payload": once(shorten),
    "lengthen a frame's payload": once(lengthen),
    "leave out a frame's end": unended,
    "name another command": once(rename),
    "refuse": once(refuse),
    "refuse for ever": each(refuse_as_damaged),
    "slow every frame": slow,
    "change a frame's payload": once(change),
    "lie": once(lie_about),
    "lie for ever": each(lie_about),
}
"""By the names of `faults.FRAMES`."""
