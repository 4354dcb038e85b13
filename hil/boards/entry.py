"""Describe one board, as boards.toml does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hil.energy.meter import Meter
from hil.errors import LinkError, SetupError
from hil.transports.host import Host

COOL_DOWN = 300.0
"""Seconds that a board may take to cool down."""
LIMITS_BY_SUBNET = ("latency_us", "instructions", "stack_bytes", "ram_bytes")
"""Keys of a board whose values are limits by subnet."""
SWITCH_INSTRUCTIONS = 100.0
"""Limit of a switch.

A switch checks a number and sets a pointer, which takes 12 or 13 instructions, a few more with another
compiler. A switch that copies or unpacks anything takes thousands.
"""


@dataclass(frozen=True)
class Entry:
    """One board of a boards file.

    Attributes:
        port: Serial port, also of another machine, as `hil.transports.network_port` reads it; the TCP port of
            a board with a `host` is there.
        serial: USB serial number.
        agent: A prebuilt agent.
        latency_us: Limit of one inference in microseconds, by subnet.
        host: Address of a board on the network, with its login.
        core: Core that the agent is pinned to.
        cool_down: Seconds that the board may take to reach `max_celsius`.
        instructions: Limit of one inference in instructions, by subnet.
        switch_instructions: Limit of the slowest switch in instructions.
        stack_bytes: Limit of the stack of an inference in bytes, by subnet.
        ram_bytes: Limit of the arena, the stack and the runtime's state together in bytes, by subnet.
        key: Private key of an android without a host.
        power_cycle: Program and arguments of a command on this machine that cuts the board's power and
            restores it; empty if there is none.
        emulated: Whether an emulator is at the port or the host, as in some labs, which --emulate uses.
        via: Machine that a board is plugged in to, or through which its host is reached, with its login.
        upload: Program and arguments of a command on `via` that stores the agent on a Nano; one of them holds
            `{firmware}`, the agent's file there. Empty if there is none.
        meter: Meter in the board's supply, None if there is none.
    """

    name: str
    target: str
    port: str | None = None
    serial: str | None = None
    agent: Path | None = None
    latency_us: Mapping[str, float] = field(default_factory=dict, hash=False)
    host: Host | None = None
    core: int | None = None
    governor: str | None = None
    max_celsius: float | None = None
    cool_down: float = COOL_DOWN
    instructions: Mapping[str, float] = field(default_factory=dict, hash=False)
    switch_instructions: float = SWITCH_INSTRUCTIONS
    stack_bytes: Mapping[str, float] = field(default_factory=dict, hash=False)
    ram_bytes: Mapping[str, float] = field(default_factory=dict, hash=False)
    key: Path | None = None
    power_cycle: tuple[str, ...] = ()
    emulated: bool = False
    via: Host | None = None
    upload: tuple[str, ...] = ()
    meter: Meter | None = None


@contextmanager
def errors_naming(entry: Entry) -> Iterator[None]:
    """Name the board in errors that do not: of builds, emulators, processes and ports."""
    try:
        yield
    except (SetupError, LinkError) as error:
        error.board = error.board or entry.name
        raise
