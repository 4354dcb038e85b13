"""What an agent says of itself in its hello."""

import struct
from dataclasses import dataclass

from hil.errors import ProtocolError, VersionError
from hil.link.protocol import CLOCK, HELLO, VERSION, Flag


@dataclass(frozen=True)
class Clock:
    """One clock of a board. `hz` is 0 for a clock that counts events, not time."""

    index: int
    name: str
    hz: int

    def microseconds(self, ticks: int) -> float:
        """Ticks as time. Only for a clock with `hz`."""
        return ticks * 1e6 / self.hz


@dataclass(frozen=True)
class Hello:
    """The agent's board, limits and pack; sizes in bytes. `pack` is (size, crc), (0, 0) for none."""

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
    """Take the answer to HELLO apart. Raises `VersionError` or `ProtocolError`."""
    if len(payload) >= 2 and (theirs := struct.unpack_from("<H", payload)[0]) != VERSION:
        raise VersionError(f"the agent speaks version {theirs} of the protocol, this program {VERSION}")
    if len(payload) < HELLO.size:
        raise ProtocolError(f"a hello of {len(payload)} bytes, not {HELLO.size} or more")
    f = HELLO.unpack_from(payload)
    clocks_n, layouts = f[6], f[7]
    if len(payload) != HELLO.size + clocks_n * CLOCK.size:
        raise ProtocolError(f"a hello of {len(payload)} bytes does not hold {clocks_n} clocks")
    if f[5] < HELLO.size:
        raise ProtocolError(f"a hello that says the agent takes payloads of {f[5]} bytes at most")
    rows = CLOCK.iter_unpack(payload[HELLO.size :])
    clocks = tuple(Clock(i, _text(name), hz) for i, (hz, name) in enumerate(rows))
    return Hello(
        emulated=bool(f[1] & Flag.EMULATED),
        capacity=f[2],
        arena=f[3],
        input_bytes=f[4],
        max_payload=f[5],
        layouts=frozenset(i for i in range(32) if layouts >> i & 1),
        pack=(f[8], f[9]),
        build=_text(f[10]),
        board=_text(f[11]),
        clocks=clocks,
    )


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")
