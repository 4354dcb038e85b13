"""Change what an answer says to something that cannot be, or is extreme, and keep its form."""

import random
from dataclasses import replace

from hil.protocol import definition as wire
from hil.protocol.definition import ANSWER, Command, Record
from hil.protocol.frame import Frame

_NAMES = (b"desk[/lab]", b"\x1b]0;x\x07", b"two\nlines", b"\xff\xfe\xfd", b"", b"\xe2\x80\xae")


def lie(frame: Frame, rng: random.Random) -> Frame:
    """Return the answer with one lie in it; an answer that says nothing gets a payload."""
    if frame.command & ~ANSWER == Command.ERROR or not frame.command & ANSWER:
        return frame
    return replace(frame, payload=_payload(frame.command & ~ANSWER, frame.payload, rng))


def _payload(command: int, payload: bytes, rng: random.Random) -> bytes:
    if command == Command.HELLO:
        if rng.random() < 0.3 and len(payload) >= wire.HELLO.size + wire.CLOCK.size:
            head = payload[: wire.HELLO.size]
            return head + _field(wire.CLOCK, payload[wire.HELLO.size :], rng)
        return _field(wire.HELLO, payload, rng)
    if command in (Command.PUT_BEGIN, Command.PUT_DATA, Command.PUT_COPY):
        return _field(wire.OFFSET, payload, rng)
    if command == Command.PAGES:
        return _field(wire.PAGES_ANSWER, payload, rng)
    if command == Command.PUT_END:
        return _field(wire.PUT_END_ANSWER, payload, rng)
    if command == Command.INFER:
        return bytes(rng.randrange(256) for _ in payload)
    if command in (Command.MEASURE, Command.SWITCH):
        return _samples(command, payload, rng)
    return payload + b"\0"


def _samples(command: int, payload: bytes, rng: random.Random) -> bytes:
    head, samples = payload[: wire.SAMPLES.size], payload[wire.SAMPLES.size :]
    said = wire.SAMPLES.read(head)
    size = len(samples) // max(1, said["held"])
    ticks = wire.MEASURE_SAMPLE.size if command == Command.MEASURE else wire.SWITCH_SAMPLE.size
    lied = rng.randrange(6)
    if lied == 0:
        return wire.SAMPLES.pack(said["first"], said["held"], 0xFFFFFFFF) + samples
    if lied == 1:  # no time at all
        kept = (samples[at + ticks : at + size] for at in range(0, len(samples), size))
        return head + b"".join(bytes(ticks) + rest for rest in kept)
    if lied == 2:  # seconds for microseconds
        kept = (samples[at + ticks : at + size] for at in range(0, len(samples), size))
        return head + b"".join(b"\xff" * ticks + rest for rest in kept)
    if lied == 3:
        return samples
    return _field(wire.SAMPLES, payload, rng)


def _field(record: Record, payload: bytes, rng: random.Random) -> bytes:
    """Return the payload with one field of its first record at an extreme, or at random."""
    if len(payload) < record.size:
        return payload
    name = rng.choice(list(record.offsets))
    at = record.offsets[name]
    ends = [*(offset for offset in record.offsets.values() if offset > at), record.size]
    width = min(ends) - at
    if width > 4:
        value = rng.choice(_NAMES)[:width].ljust(width, b"\0")
    else:
        number = int.from_bytes(payload[at : at + width], "little")
        top = (1 << 8 * width) - 1
        number = rng.choice([0, 1, top, top >> 1, number + 1, number ^ 1, rng.randint(0, top)]) & top
        value = number.to_bytes(width, "little")
    return payload[:at] + value + payload[at + width :]
