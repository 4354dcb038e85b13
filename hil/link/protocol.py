"""The agent protocol: one definition for both ends.

A frame is `command u8, sequence u8, payload, crc32 u32` over all that precedes it, COBS-encoded and ended
by a zero byte; integers are little-endian. The host asks, the agent answers with the same sequence and
the command with ANSWER set; MEASURE and SWITCH are answered by several frames, the samples in order.
An ERROR frame holds a code and a sentence. `python -m hil.link.protocol` writes the C header from this
file; a test holds the two equal.
"""

from enum import IntEnum
from struct import Struct

VERSION = 2
ANSWER = 0x80
OVERHEAD = 6
"""Bytes of a frame beside its payload: command, sequence, checksum."""


class Command(IntEnum):
    """What the host may ask. In brackets: payload of the request -> of the answer."""

    HELLO = 1
    """[version u16] -> [HELLO, then a CLOCK for each clock]"""
    PUT_BEGIN = 2
    """[size u32, crc u32] -> [offset u32 to send from: not 0 when an interrupted transfer resumes]"""
    PUT_DATA = 3
    """[offset u32, bytes] -> [next offset u32]"""
    PUT_END = 4
    """[] -> [subnets u16], after the checksum of what was stored and every offset in it are checked"""
    SELECT = 5
    """[subnet u16] -> []"""
    INPUTS = 6
    """[offset u32, bytes] -> []: bytes of the inputs that the commands below run on, one input after the
    other; the offset is at most where the piece before ended, and what is sent ends with this piece"""
    INFER = 7
    """[inputs u16] -> [an output for each input]"""
    MEASURE = 8
    """[subnet u16, clock u8, 0 u8, samples u16, inputs u16] -> [SAMPLES, then u32 ticks a sample]*"""
    SWITCH = 9
    """[from u16, to u16, clock u8, 0 u8, samples u16, inputs u16] -> [SAMPLES, then for each: ticks of the
    select u32, of the first inference after it u32, that inference's output]*"""
    RESET = 10
    """[] -> []: as after power-on; a stored pack is checked and loaded again"""
    ERROR = 127
    """an answer only: [code u8, UTF-8 text]"""


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


HELLO = Struct("<HHIIIHHIII16s16s")
"""version, flags, pack capacity, arena bytes, bytes for inputs, largest payload, clocks, layouts (bit i:
layout i), size and crc of the loaded pack (0: none), build id, board"""
CLOCK = Struct("<I12s")
"""ticks a second (0: the clock counts events, not time), name: cycles, instructions, ns"""
SAMPLES = Struct("<HHI")
"""index of the first sample, samples in this frame, ticks that reading the clock itself takes"""


def c_header() -> str:
    """The same definitions for the agent."""
    lines = ["/* Written by `python -m hil.link.protocol`; the definition and its comments are there. */"]
    lines += ["#ifndef REDS_PROTOCOL_H", "#define REDS_PROTOCOL_H", ""]
    lines += [f"#define PROTOCOL_VERSION {VERSION}u", f"#define PROTOCOL_ANSWER {ANSWER}u"]
    lines += [f"#define PROTOCOL_OVERHEAD {OVERHEAD}u", ""]
    sizes = {"HELLO": HELLO, "CLOCK": CLOCK, "SAMPLES": SAMPLES}
    lines += [f"#define PROTOCOL_{name}_BYTES {layout.size}u" for name, layout in sizes.items()]
    for enum in (Command, Fault, Flag):
        members = ", ".join(f"{enum.__name__.upper()}_{m.name} = {m.value}" for m in enum)
        lines += ["", f"enum {enum.__name__.lower()} {{ {members} }};"]
    return "\n".join([*lines, "", "#endif", ""])


if __name__ == "__main__":
    print(c_header(), end="")
