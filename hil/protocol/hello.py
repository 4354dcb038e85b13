"""Read the hello, in which an agent describes its board."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hil.errors import ProtocolError, VersionError
from hil.protocol.definition import CLOCK, HELLO, HELLO_REQUEST, VERSION, Flag
from reds.text import printable

INSTRUCTIONS = "instructions"
"""Clock that counts executed instructions."""
FLASH_WORDS = "flash_words"
"""Clock that counts the 32-bit words of data that instructions read from flash."""
EVENTS = (INSTRUCTIONS, FLASH_WORDS)
"""The only clocks that count events, not time."""
SLOWEST_HZ = 1000
"""Slowest clock that can time an inference."""
MOST_CLOCKS = 8
"""Most clocks of a board: everything is measured once with each."""


@dataclass(frozen=True)
class Clock:
    """One clock of a board. `hz` is 0 for a clock that counts events, not time."""

    index: int
    name: str
    hz: int

    def microseconds(self, ticks: int) -> float:
        """Convert ticks to microseconds. Only for a clock with `hz`."""
        return ticks * 1e6 / self.hz


@dataclass(frozen=True)
class Hello:
    """The board, limits and pack of an agent.

    Sizes are in bytes. `pack` is (size, CRC-32) of the stored pack, (0, 0) for none.
    """

    emulated: bool
    capacity: int
    arena: int
    input_bytes: int
    max_payload: int
    layouts: frozenset[int]
    pack: tuple[int, int]
    build: str
    board: str
    clocks: tuple[Clock, ...]


def read_hello(payload: bytes) -> Hello:
    """Decode the answer to HELLO.

    Raises:
        VersionError: The agent speaks another version of the protocol.
        ProtocolError: The payload is not a hello, or describes no board that can exist.
    """
    if len(payload) >= HELLO_REQUEST.size and (theirs := HELLO_REQUEST.read(payload)["version"]) != VERSION:
        speaks = f"the agent speaks version {theirs} of the protocol, this program {VERSION}"
        raise VersionError(f"{speaks}; upload the agent of this release")
    if len(payload) < HELLO.size:
        raise ProtocolError(f"the hello has {len(payload)} bytes, fewer than {HELLO.size}")
    told = HELLO.read(payload)
    if len(payload) != HELLO.size + told["clocks"] * CLOCK.size:
        raise ProtocolError(f"the hello has {len(payload)} bytes, but names {told['clocks']} clocks")
    rows = [CLOCK.read(payload, HELLO.size + i * CLOCK.size) for i in range(told["clocks"])]
    _check_limits(told)
    return Hello(
        emulated=bool(told["flags"] & Flag.EMULATED),
        capacity=told["capacity"],
        arena=told["arena"],
        input_bytes=told["input_bytes"],
        max_payload=told["max_payload"],
        layouts=frozenset(i for i in range(32) if told["layouts"] >> i & 1),
        pack=(told["pack_size"], told["pack_crc"]),
        build=_text(told["build"]),
        board=_text(told["board"]),
        clocks=_clocks(rows),
    )


def _check_limits(told: Mapping[str, Any]) -> None:
    if (largest := told["max_payload"]) < HELLO.size:
        raise ProtocolError(f"the hello names a largest payload of {largest} bytes, fewer than {HELLO.size}")
    for name in ("capacity", "arena", "input_bytes", "layouts"):
        if told[name] == 0:
            raise ProtocolError(f"the hello names a board whose `{name}` is 0")
    if told["pack_size"] > told["capacity"]:
        held = f"a pack of {told['pack_size']:,} bytes"
        raise ProtocolError(f"the hello names {held} in a store of {told['capacity']:,}")
    if unknown := told["flags"] & ~sum(Flag):
        raise ProtocolError(f"the hello has unknown flags: {unknown:#x}")


def _clocks(rows: Sequence[Mapping[str, Any]]) -> tuple[Clock, ...]:
    """Return the clocks. Raises `ProtocolError` if one can measure nothing, or two have the same name."""
    clocks = tuple(Clock(i, _text(row["name"]), row["hz"]) for i, row in enumerate(rows))
    if len(clocks) > MOST_CLOCKS:
        raise ProtocolError(f"the hello names {len(clocks)} clocks, more than {MOST_CLOCKS}")
    for clock, row in zip(clocks, rows, strict=True):
        counts = clock.name in EVENTS
        if not clock.name or row["name"].rstrip(b"\0") != clock.name.encode("ascii", "replace"):
            raise ProtocolError(f"the hello names a clock '{clock.name}', which is no printable ASCII")
        if counts and clock.hz:
            raise ProtocolError(f"the hello gives {clock.name} {clock.hz:,} Hz, but they are no time: 0")
        if not counts and clock.hz < SLOWEST_HZ:
            slow = f"the hello gives the clock {clock.name} {clock.hz:,} Hz"
            raise ProtocolError(f"{slow}, but a clock needs at least {SLOWEST_HZ:,}")
    if len({clock.name for clock in clocks}) < len(clocks):
        raise ProtocolError("the hello names two clocks alike")
    return clocks


def _text(raw: bytes) -> str:
    return printable(raw.rstrip(b"\0").decode(errors="replace"))
