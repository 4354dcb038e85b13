"""The agent protocol: one definition for both ends.

A frame is `command u8, sequence u8, payload, crc32 u32` over all that precedes it, COBS-encoded and ended
by a zero byte; integers are little-endian. The host asks, the agent answers with the same sequence and
the command with ANSWER set; MEASURE and SWITCH are answered by several frames, the samples in order.
An ERROR frame holds a code and a sentence. `hil dev protocol-header` writes the C header from this
file; a test holds the two equal.
"""

from enum import IntEnum
from struct import Struct, calcsize
from typing import Any

VERSION = 2
ANSWER = 0x80


class Command(IntEnum):
    """Requests of the host. In brackets: payload of the request -> of the answer, by the records below."""

    HELLO = 1
    """[HELLO_REQUEST] -> [HELLO, then a CLOCK for each clock]"""
    PUT_BEGIN = 2
    """[PUT_BEGIN] -> [OFFSET to send from: not 0 when an interrupted transfer resumes]"""
    PUT_DATA = 3
    """[OFFSET, bytes] -> [OFFSET of the next byte]"""
    PUT_END = 4
    """[] -> [PUT_END_ANSWER], after the checksum of what was stored and every offset in it are checked"""
    SELECT = 5
    """[SELECT] -> []"""
    INPUTS = 6
    """[OFFSET, bytes] -> []: bytes of the inputs that the commands below run on, one input after the
    other; the offset is at most where the piece before ended, and what is sent ends with this piece"""
    INFER = 7
    """[INFER] -> [an output for each input]"""
    MEASURE = 8
    """[MEASURE] -> [SAMPLES, then a MEASURE_SAMPLE each]*"""
    SWITCH = 9
    """[SWITCH] -> [SAMPLES, then for each a SWITCH_SAMPLE and the output of its inference]*"""
    RESET = 10
    """[] -> []: as after power-on; a stored pack is checked and loaded again"""
    ERROR = 127
    """an answer only: [ERROR, UTF-8 text]"""


class Fault(IntEnum):
    """Codes of an ERROR frame."""

    BAD_FRAME = 1
    BAD_REQUEST = 2
    VERSION = 3
    TOO_LARGE = 4
    BAD_PACK = 5
    NO_PACK = 6
    STORAGE = 7


class Flag(IntEnum):
    """Bits of the hello's flags."""

    EMULATED = 1


class Record:
    """A part of a frame: fields in order, each with its code of `struct`, packed without gaps."""

    def __init__(self, **codes: str) -> None:
        self._struct = Struct("<" + "".join(codes.values()))
        self.size = self._struct.size
        widths = [calcsize(f"<{code}") for code in codes.values()]
        self.offsets = {name: sum(widths[:at]) for at, name in enumerate(codes)}
        """Byte that each field starts at."""

    def pack(self, *values: object) -> bytes:
        """Return the bytes of these fields."""
        return self._struct.pack(*values)

    def read(self, data: bytes, at: int = 0) -> dict[str, Any]:
        """Return the fields, by name, of the record that starts at this byte."""
        return dict(zip(self.offsets, self._struct.unpack_from(data, at), strict=True))


FRAME_HEAD = Record(command="B", sequence="B")
CHECKSUM = Record(crc="I")
OVERHEAD = FRAME_HEAD.size + CHECKSUM.size
"""Bytes of a frame beside its payload."""

HELLO_REQUEST = Record(version="H")
HELLO = Record(
    version="H",
    flags="H",
    capacity="I",
    arena="I",
    input_bytes="I",
    max_payload="H",
    clocks="H",
    layouts="I",
    pack_size="I",
    pack_crc="I",
    build="16s",
    board="16s",
)
"""`capacity` is for a pack, bit i of `layouts` stands for layout i, `pack_size` is 0 if none is loaded."""
CLOCK = Record(hz="I", name="12s")
"""`hz` is ticks a second (0: the clock counts events, not time), `name` cycles, instructions or ns."""
PUT_BEGIN = Record(size="I", crc="I")
OFFSET = Record(offset="I")
"""The byte to send from, in answers; the first of the bytes that follow, in requests."""
PUT_END_ANSWER = Record(subnets="H")
SELECT = Record(subnet="H")
INFER = Record(inputs="H")
MEASURE = Record(subnet="H", clock="B", zero="B", samples="H", inputs="H")
SWITCH = Record(before="H", after="H", clock="B", zero="B", samples="H", inputs="H")
SAMPLES = Record(first="H", held="H", overhead="I")
"""Index of the first sample, samples in this frame, ticks that reading the clock itself takes."""
MEASURE_SAMPLE = Record(ticks="I")
SWITCH_SAMPLE = Record(select="I", first="I")
"""Ticks of the select, and of the first inference after it."""
ERROR = Record(code="B")
"""`code` is a `Fault`."""


RECORDS = {name: record for name, record in globals().items() if isinstance(record, Record)}
"""All records by name."""


def c_header() -> str:
    """Return the same definitions for the agent."""
    lines = ["/* Written by `hil dev protocol-header`, which explains each of these. */"]
    lines += ["#ifndef REDS_PROTOCOL_H", "#define REDS_PROTOCOL_H", ""]
    lines += [f"#define PROTOCOL_VERSION {VERSION}u", f"#define PROTOCOL_ANSWER {ANSWER}u"]
    lines += [f"#define PROTOCOL_OVERHEAD {OVERHEAD}u"]
    for name, record in RECORDS.items():
        lines += ["", f"#define PROTOCOL_{name}_BYTES {record.size}u"]
        lines += [f"#define PROTOCOL_{name}_{key.upper()}_AT {at}u" for key, at in record.offsets.items()]
    for enum in (Command, Fault, Flag):
        members = ", ".join(f"{enum.__name__.upper()}_{m.name} = {m.value}" for m in enum)
        lines += ["", f"enum {enum.__name__.lower()} {{ {members} }};"]
    return "\n".join([*lines, "", "#endif", ""])
