"""Read the hello, in which an agent describes its board."""

from dataclasses import dataclass

from hil.errors import ProtocolError, VersionError
from hil.protocol.definition import CLOCK, HELLO, HELLO_REQUEST, VERSION, Flag


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
        ProtocolError: The payload is not a hello.
    """
    if len(payload) >= HELLO_REQUEST.size and (theirs := HELLO_REQUEST.read(payload)["version"]) != VERSION:
        raise VersionError(f"the agent speaks version {theirs} of the protocol, this program {VERSION}")
    if len(payload) < HELLO.size:
        raise ProtocolError(f"the hello has {len(payload)} bytes, fewer than {HELLO.size}")
    told = HELLO.read(payload)
    if len(payload) != HELLO.size + told["clocks"] * CLOCK.size:
        raise ProtocolError(f"the hello has {len(payload)} bytes, but names {told['clocks']} clocks")
    if (largest := told["max_payload"]) < HELLO.size:
        raise ProtocolError(f"the hello names a largest payload of {largest} bytes, fewer than {HELLO.size}")
    clocks = [CLOCK.read(payload, HELLO.size + i * CLOCK.size) for i in range(told["clocks"])]
    return Hello(
        emulated=bool(told["flags"] & Flag.EMULATED),
        capacity=told["capacity"],
        arena=told["arena"],
        input_bytes=told["input_bytes"],
        max_payload=largest,
        layouts=frozenset(i for i in range(32) if told["layouts"] >> i & 1),
        pack=(told["pack_size"], told["pack_crc"]),
        build=_text(told["build"]),
        board=_text(told["board"]),
        clocks=tuple(Clock(i, _text(clock["name"]), clock["hz"]) for i, clock in enumerate(clocks)),
    )


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")
