"""Arduino Nano 33 BLE: on a USB port, or emulated.

A real board's agent is kept up to date: one that does not answer, or was built from other sources, is
uploaded again, and the board is followed to the port it comes back under.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serial.tools import list_ports

from hil import build
from hil.boards.board import START_SECONDS, Board, Provenance
from hil.boards.boardsfile import Entry
from hil.emulators import cortex_m4
from hil.errors import BoardAbsent, BoardsFileError, BuildError, DeadlineError, LinkError, VersionError
from hil.link.agent import Agent
from hil.link.deadline import Deadline
from hil.link.hello import Hello
from hil.link.serial import SerialTransport

HAS_EMULATOR = True
USB_IDS = frozenset({(0x2341, 0x805A), (0x2341, 0x005A)})
"""Vendor and product of the running board, and of its bootloader."""
RETURN_SECONDS = 15.0
"""What a board may take to come back after an upload."""


class UsbPort(Protocol):
    """What pyserial tells about a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None


@dataclass(frozen=True)
class Desk:
    """What the machine offers for a real board; the tests put a scripted one in its place."""

    ports: Callable[[], Iterable[UsbPort]] = list_ports.comports
    upload: Callable[[str], None] = build.upload_nano
    build_id: Callable[[], str] = build.build_id


def absent(entry: Entry, desk: Desk = Desk()) -> str | None:  # noqa: B008, it holds functions only
    """Why there is no such board on a port of this machine, or None."""
    if _ports(entry, desk):
        return None
    if entry.port:
        there = ", ".join(sorted(port.device for port in desk.ports())) or "none"
        return f"port {entry.port} does not exist (ports here: {there})"
    wanted = f" with serial number {entry.serial}" if entry.serial else ""
    return f"no Arduino Nano 33 BLE{wanted} on USB"


@contextmanager
def start(entry: Entry, provenance: Provenance) -> Iterator[Board]:
    """The emulated board, or the real one with an agent of these sources."""
    if provenance is Provenance.HARDWARE:
        with start_hardware(entry, Desk()) as board:
            yield board
        return
    with cortex_m4.start(entry.agent or build.agent("emulated")) as emulator:
        agent = Agent(SerialTransport(emulator.port), entry.name)
        try:
            yield Board(entry, provenance, agent, agent.hello(Deadline.after(START_SECONDS)))
        finally:
            agent.close()


@contextmanager
def start_hardware(entry: Entry, desk: Desk) -> Iterator[Board]:
    """The real board, its agent uploaded first if need be.

    Raises `BoardAbsent` if it is not on a port, `BuildError` if the upload fails or changes nothing.
    """
    if entry.agent:
        raise BoardsFileError(f"{entry.name}: a real board builds its own agent; remove `agent`, or --emulate it")
    found = _ports(entry, desk)
    if not found:
        raise BoardAbsent(f"{entry.name}: {absent(entry, desk)}")
    port, wanted = found[0], desk.build_id()
    agent, hello, reason = _greet(entry, port.device, START_SECONDS)
    if agent is None or hello is None or hello.build != wanted:
        if agent is not None:
            agent.close()
        _upload(entry, port.device, reason or "its agent is of other sources", desk)
        agent, hello = _follow(entry, port, wanted, desk)
    try:
        yield Board(entry, Provenance.HARDWARE, agent, hello)
    finally:
        agent.close()


def _greet(entry: Entry, device: str, seconds: float) -> tuple[Agent | None, Hello | None, str]:
    """The agent at a port and its hello, or neither and the reason. Raises `LinkError` if it cannot be opened."""
    agent = Agent(SerialTransport(device), entry.name)
    try:
        return agent, agent.hello(Deadline.after(seconds)), ""
    except (DeadlineError, VersionError) as error:
        agent.close()
        return None, None, str(error)
    except BaseException:
        agent.close()
        raise


def _upload(entry: Entry, device: str, reason: str, desk: Desk) -> None:
    try:
        desk.upload(device)
    except BuildError as error:
        raise BuildError(f"{entry.name}: {reason}; uploading it to {device} failed: {error}") from error


def _follow(entry: Entry, before: UsbPort, wanted: str, desk: Desk) -> tuple[Agent, Hello]:
    """The same board under whatever port it comes back, once it answers."""
    deadline = Deadline.after(RETURN_SECONDS)
    reason = "it did not come back on any port"
    while not deadline.passed:
        for port in _ports(entry, desk, before):
            try:
                agent, hello, reason = _greet(entry, port.device, min(1.0, deadline.left))
            except LinkError as error:  # the port is there before it may be opened
                reason = str(error)
                continue
            if agent is not None and hello is not None:
                if hello.build == wanted:
                    return agent, hello
                agent.close()
                reason = f"{port.device} answers with build {hello.build}, not {wanted}"
        time.sleep(0.05)
    raise BuildError(f"{entry.name}: after its agent was uploaded, {reason}; press reset twice and run again")


def _ports(entry: Entry, desk: Desk, before: UsbPort | None = None) -> list[UsbPort]:
    """The ports that may be this board, the likeliest first; after an upload `before` tells it from others."""
    serial = entry.serial or (before.serial_number if before else None)
    listed = list(desk.ports())
    named = [port for port in listed if port.device == entry.port]
    if entry.port and not named and Path(entry.port).exists():
        named = [_Unlisted(entry.port)]
    kin = [
        port
        for port in listed
        if (port.vid, port.pid) in USB_IDS and serial in (None, port.serial_number) and port not in named
    ]
    if before is None:
        return named if entry.port else kin
    return named + kin


@dataclass(frozen=True)
class _Unlisted:
    """A port that pyserial does not list: a pseudo terminal, or a link to a port."""

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
