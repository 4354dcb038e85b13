"""One board as boards.toml describes it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hil.errors import LinkError, SetupError
from hil.transports.host import Host

COOL_DOWN = 300.0
"""Seconds."""
SWITCH_INSTRUCTIONS = 100.0
"""A switch checks a number and sets a pointer: 14 or 15 instructions, some more with another compiler. One
that copies or unpacks anything takes thousands."""


@dataclass(frozen=True)
class Entry:
    """One board of the file. `latency_us` and `instructions` hold budgets by the subnet's name.

    `port` is a serial one; that of a board on the network is in `host`, and so is its `key`.
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
    key: Path | None = None


@contextmanager
def errors_naming(entry: Entry) -> Iterator[None]:
    """Put the board's name before errors of what it runs on: build, emulator, process, port."""
    try:
        yield
    except (SetupError, LinkError) as error:
        raise type(error)(f"{entry.name}: {error}") from error
