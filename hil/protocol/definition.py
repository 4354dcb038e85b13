"""Define the agent protocol, once for both ends.

A frame is `command u8, sequence u8, payload, crc32 u32`. The CRC covers all bytes before it. The frame is
COBS-encoded and ends with a zero byte. Integers are little-endian.

The host sends a request. The agent answers with the same sequence number and the command with ANSWER set. It
answers MEASURE, SWITCH and PROFILE by several frames, their samples in order. Outputs that do not fit a frame
go on in the next one; every frame but the last is then full. An ERROR frame holds a code and a sentence.

`hil dev protocol-header` writes the C header from this file, and a test compares the two.
"""

from enum import IntEnum
from struct import Struct, calcsize
from typing import Any

VERSION = 5
ANSWER = 0x80


class Command(IntEnum):
    """Requests of the host, each with its payload: [request] -> [answer], in the records below."""

    HELLO = 1
    """[HELLO_REQUEST] -> [HELLO, then a CLOCK for each clock]"""
    PUT_BEGIN = 2
    """[PUT_BEGIN] -> [OFFSET of the first byte to send: not 0 if an interrupted transfer resumes]"""
    PUT_DATA = 3
    """[OFFSET, bytes] -> [OFFSET of the next byte]"""
    PUT_END = 4
    """[] -> [PUT_END_ANSWER], after the checksum and every offset of the stored pack are checked"""
    SELECT = 5
    """[SELECT] -> []"""
    INPUTS = 6
    """[OFFSET, bytes] -> []: a piece of the inputs for the commands below, which lie one after the other

    The offset is at most the end of the piece before. The inputs end with the last piece that was sent.
    """
    INFER = 7
    """[INFER] -> [one output for each input], in as many frames as that takes"""
    MEASURE = 8
    """[MEASURE] -> [SAMPLES, then its MEASURE_SAMPLEs]*"""
    SWITCH = 9
    """[SWITCH] -> [SAMPLES, then a SWITCH_SAMPLE and the output of its inference, for each sample]*

    A sample that does not fit a frame is alone in several, each of which begins with its SAMPLES.
    """
    RESET = 10
    """[] -> []: the state after power-on; a stored pack is checked and loaded again"""
    PROFILE = 11
    """[MEASURE] -> [SAMPLES, then a LAYER_SAMPLE for each layer of each sample]*"""
    MEMORY = 12
    """[MEMORY] -> [MEMORY_ANSWER]"""
    GOVERN = 13
    """[GOVERN, then a COST for each subnet] -> []: a governor begins, and ends with its pack"""
    DECIDE = 14
    """[DECIDE] -> [DECISION, then the output of the last inference if the governor chose a subnet]

    What does not fit the frame follows in further ones.
    """
    PAGES = 15
    """[PAGES] -> [PAGES_ANSWER, then a PAGE for each page of the loaded pack, as many as fit]"""
    PUT_COPY = 16
    """[PUT_COPY] -> [OFFSET of the next byte]: a piece that the loaded pack has at the same place"""
    ERROR = 127
    """Answer only: [ERROR, UTF-8 text]"""


class Fault(IntEnum):
    """Codes of an ERROR frame."""

    BAD_FRAME = 1
    BAD_REQUEST = 2
    VERSION = 3
    TOO_LARGE = 4
    BAD_PACK = 5
    NO_PACK = 6
    STORAGE = 7
    UNABLE = 8
    BAD_RULES = 9
    """The governor's rules or costs make no sense; the text is the library's."""


class Policy(IntEnum):
    """Policies of a governor."""

    FIXED = 0
    DEADLINE = 1
    ENERGY_NEUTRAL = 2
    DEADLINE_AND_ENERGY = 3
    OWN = 4
    """The `agent_policy` of a file that was built into the agent."""


class Flag(IntEnum):
    """Bits of `flags` in the hello."""

    EMULATED = 1


class Record:
    """A part of a frame: fields in order without gaps, each with its code of `struct`."""

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
"""Bytes of a frame in addition to its payload."""

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
"""Limits of the agent, sizes in bytes.

`capacity` is the store for packs. Bit i of `layouts` stands for layout i. `pack_size` is 0 if no pack is
loaded.
"""
CLOCK = Record(hz="I", name="12s")
"""`hz` is ticks a second, 0 if the clock counts events. `name` is cycles, instructions or ns."""
PUT_BEGIN = Record(size="I", crc="I")
OFFSET = Record(offset="I")
"""In an answer the first byte to send, in a request the position of the bytes that follow."""
PUT_END_ANSWER = Record(subnets="H")
SELECT = Record(subnet="H")
INFER = Record(inputs="H")
MEASURE = Record(subnet="H", clock="B", zero="B", samples="H", inputs="H")
SWITCH = Record(before="H", after="H", clock="B", zero="B", samples="H", inputs="H")
SAMPLES = Record(first="H", held="H", overhead="I")
"""Number of the first sample, samples in this frame, ticks that reading the clock takes."""
MEASURE_SAMPLE = Record(ticks="I")
LAYER_SAMPLE = Record(ticks="I")
SWITCH_SAMPLE = Record(select="I", first="I")
"""Ticks of the select, and of the first inference after it."""
MEMORY = Record(subnet="H", inputs="H")
MEMORY_ANSWER = Record(stack="I", state="I")
"""Bytes of stack below the caller of `reds_run`, and of the runtime's own state."""
GOVERN = Record(
    policy="B",
    margin="B",
    patience="H",
    fixed="H",
    hot="h",
    clock="B",
    zero="B",
    runs="H",
    hz="I",
    period="I",
    horizon="I",
    target="Q",
    reserve="Q",
)
"""Rules of a governor. A job is `runs` inferences of one input. The clock ticks `hz` times a second."""
COST = Record(us="I", nj="I")
"""Cost of a job of one subnet."""
DECIDE = Record(stored="Q", income="I", deadline="I", load="B", zero="B", celsius="h", input="H")
"""State of the device before a job, in the units of governor.h, and the number of the job's input."""
DECISION = Record(subnet="H", choose="I", select="I", inference="I", learn="I", overhead="I")
"""The chosen subnet, WAIT for none; ticks of each step, which include the overhead of reading the clock."""
WAIT = 0xFFFF
"""A decision to run nothing."""
PAGES = Record(first="I")
"""Number of the page from which on the checksums are asked for."""
PAGES_ANSWER = Record(slot="I", page="I", size="I")
"""Bytes of the largest pack that takes one slot, of a page, and of the loaded pack: 0 if there is none."""
PAGE = Record(sum="I")
"""Adler-32 of a page of the loaded pack; its last page may be shorter."""
PUT_COPY = Record(offset="I", size="I")
ERROR = Record(code="B")
"""`code` is a `Fault`."""


RECORDS = {name: record for name, record in globals().items() if isinstance(record, Record)}
"""All records by name."""


def c_header() -> str:
    """Return the C header with the same definitions."""
    lines = ["/* Written by `hil dev protocol-header`, which explains each of these. */"]
    lines += ["#ifndef REDS_PROTOCOL_H", "#define REDS_PROTOCOL_H", ""]
    lines += [f"#define PROTOCOL_VERSION {VERSION}u", f"#define PROTOCOL_ANSWER {ANSWER}u"]
    lines += [f"#define PROTOCOL_OVERHEAD {OVERHEAD}u"]
    for name, record in RECORDS.items():
        lines += ["", f"#define PROTOCOL_{name}_BYTES {record.size}u"]
        lines += [f"#define PROTOCOL_{name}_{key.upper()}_AT {at}u" for key, at in record.offsets.items()]
    for enum in (Command, Fault, Flag, Policy):
        members = ", ".join(f"{enum.__name__.upper()}_{m.name} = {m.value}" for m in enum)
        lines += ["", f"enum {enum.__name__.lower()} {{ {members} }};"]
    return "\n".join([*lines, "", "#endif", ""])
