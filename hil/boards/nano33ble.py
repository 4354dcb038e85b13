"""Arduino Nano 33 BLE: on a USB port, or emulated.

A real board's agent is kept up to date: one that does not answer, or was built from other sources, is
uploaded again, and the board is followed to the port it comes back under.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hil import build, usb
from hil.boards.board import START_SECONDS, Board, Provenance, check_kind
from hil.boards.boardsfile import Entry
from hil.emulators import cortex_m4
from hil.errors import BoardAbsent, BoardsFileError, BuildError, DeadlineError, LinkError, ProtocolError
from hil.link.agent import Agent
from hil.link.deadline import Deadline
from hil.link.hello import Hello
from hil.link.serial import SerialTransport

HAS_EMULATOR = True
USB_IDS = frozenset({(0x2341, 0x805A), (0x2341, 0x005A)})
"""The running board, and its bootloader."""

_READY_SECONDS = 1.0
"""What a board that has come back may take to answer, before it is looked for again."""


@dataclass(frozen=True)
class Desk:
    """What the machine offers for a real board; the tests put a scripted one in its place."""

    ports: Callable[[], tuple[usb.Port, ...]]
    upload: Callable[[str], None]
    build_id: Callable[[], str]
    hello_seconds: float = START_SECONDS
    return_seconds: float = 15.0
    """What a board may take to come back after an upload."""


THIS_DESK = Desk(usb.ports, build.upload_nano, build.build_id)


def absent(entry: Entry, desk: Desk = THIS_DESK) -> str | None:
    """Why there is no such board on a port of this machine, or None."""
    if _find(entry, desk):
        return None
    if entry.port:
        there = ", ".join(port.device for port in desk.ports()) or "none"
        return f"port {entry.port} does not exist (ports here: {there})"
    return f"no Arduino Nano 33 BLE{f' with serial number {entry.serial}' if entry.serial else ''} on USB"


@contextmanager
def start(entry: Entry, provenance: Provenance, desk: Desk = THIS_DESK) -> Iterator[Board]:
    """The emulated board, or the real one with an agent of these sources.

    Raises `BoardAbsent` if it is not on a port, `BuildError` if its upload fails or changes nothing.
    """
    if provenance is Provenance.EMULATED:
        with cortex_m4.start(entry.agent or build.agent("emulated")) as emulator:
            agent, hello = _connect(entry, emulator.port, START_SECONDS)
            with agent:
                yield Board(entry, provenance, agent, hello)
        return
    if entry.agent:
        raise BoardsFileError(f"{entry.name}: `agent` is for an emulated board; remove it or add --emulate")
    agent, hello = _up_to_date(entry, desk)
    with agent:
        yield Board(entry, provenance, agent, hello)


def _find(entry: Entry, desk: Desk) -> tuple[usb.Port, ...]:
    listed = desk.ports()
    return usb.at(entry.port, listed) if entry.port else usb.matching(listed, USB_IDS, entry.serial)


def _up_to_date(entry: Entry, desk: Desk) -> tuple[Agent, Hello]:
    found = _find(entry, desk)
    if not found:
        raise BoardAbsent(f"{entry.name}: {absent(entry, desk)}; plug it in, or add --emulate")
    port, wanted = found[0], desk.build_id()
    try:
        return _connect(entry, port.device, desk.hello_seconds, wanted)
    except (DeadlineError, ProtocolError, BuildError) as reason:
        try:
            desk.upload(port.device)
        except BuildError as error:
            raise BuildError(f"{reason}; and its upload to {port.device} failed: {error}") from error
    return _follow(entry, port, wanted, desk)


def _connect(entry: Entry, device: str, seconds: float, wanted: str | None = None) -> tuple[Agent, Hello]:
    """The agent at a port. Raises `BuildError` if it is of other sources than `wanted`."""
    try:
        agent = Agent(SerialTransport(device), entry.name)
    except LinkError as error:
        raise LinkError(f"{entry.name}: {error}; close what has it open") from error
    try:
        hello = agent.hello(Deadline.after(seconds))
        check_kind(entry, hello, agent.transport.name)
        if wanted not in (None, hello.build):
            raise BuildError(f"{entry.name}: the agent on {device} is of build {hello.build}, not {wanted}")
    except BaseException:
        agent.close()
        raise
    return agent, hello


def _follow(entry: Entry, before: usb.Port, wanted: str, desk: Desk) -> tuple[Agent, Hello]:
    """The same board under whatever port it comes back, once it answers."""
    deadline, reason = Deadline.after(desk.return_seconds), f"{entry.name}: it did not come back on any port"
    while not deadline.passed:
        listed = desk.ports()
        same = usb.matching(listed, USB_IDS, before.serial or entry.serial)
        for port in dict.fromkeys((*usb.at(before.device, listed), *same)):
            try:
                return _connect(entry, port.device, _READY_SECONDS, wanted)
            except (LinkError, ProtocolError, BuildError) as error:  # it may not be ready yet
                reason = str(error)
        time.sleep(0.05)
    raise BuildError(f"{reason}, after its agent was uploaded; press its reset button twice and run again")
