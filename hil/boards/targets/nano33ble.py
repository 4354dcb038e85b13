"""Open an Arduino Nano 33 BLE on a USB port or a serial port on the network, or an emulated one.

The agent of a real board is kept up to date. An agent that does not answer, or was built from other sources,
is uploaded again. The board may come back on another port, where it is found again.
"""

import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from hil.boards import emulated_board, network_board, network_nano
from hil.boards.board import Board
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Identity, Provenance
from hil.boards.greeting import greet, port_of
from hil.boards.nano_desk import POLL_SECONDS, PRESS, READY_SECONDS, THIS_DESK, Desk
from hil.emulators import cortex_m4
from hil.errors import (
    BoardAbsent,
    BoardsFileError,
    BuildError,
    DeadlineError,
    LinkError,
    ProtocolError,
    SetupError,
)
from hil.firmware import build
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.protocol.patience import ANSWER_SECONDS
from hil.transports.deadline import Deadline
from hil.transports.network_port import NetworkPort, network_port
from hil.transports.serial import HARDWARE_ADVICE, SerialTransport
from hil.transports.serial_ports import Port, port_named, ports_matching
from reds.text import printable

HAS_EMULATOR = True
MODEL = "Arduino Nano 33 BLE"
RUNNING, BOOTLOADER = (0x2341, 0x805A), (0x2341, 0x005A)
USB_IDS = frozenset({RUNNING, BOOTLOADER})

UNKNOWN_EMULATOR = "an emulator at a serial port"
"""Name of an emulator on the network, which does not say its version."""


def absent(entry: Entry, desk: Desk = THIS_DESK) -> str | None:
    """Return why no such board is on a port, or why several match, with a remedy; or None."""
    if port := _on_network(entry):
        why = network_board.absent(port, device(entry, desk))
        return why or (f"an emulator is at {port}, not a board" if entry.emulated else None)
    found, _ = _look(entry, desk)
    return found if isinstance(found, str) else None


def device(entry: Entry, desk: Desk = THIS_DESK) -> str | None:
    """Return its USB serial number, which it keeps on another port and machine, or the port."""
    if remote := _on_network(entry):
        return f"{MODEL} {entry.serial}" if entry.serial else network_board.address(remote)
    port, _ = _look(entry, desk)
    if isinstance(port, str):
        return None
    return f"{MODEL} {port.serial}" if port.serial else os.path.realpath(port.device)


@contextmanager
def start(entry: Entry, provenance: Provenance, desk: Desk = THIS_DESK) -> Iterator[Board]:
    """Open the emulated board, or the real one with an agent of these sources.

    Args:
        entry: The board's entry in boards.toml.
        provenance: Whether to open the emulated or the real board.
        desk: Serial ports, upload and build id of a real board.

    Raises:
        BoardAbsent: The board is on no port.
        BuildError: The upload failed, or the board did not come back with the new agent.
    """
    for key in ("host", "core", "governor", "max_celsius"):
        if getattr(entry, key) is not None:
            misplaced = f"`{key}` is for a board that runs Linux, not a nano33ble"
            raise BoardsFileError(f"{misplaced}; remove it", board=entry.name, key=key)
    if bool(entry.via) != bool(entry.upload) or (entry.via and not _on_network(entry)):
        together = "`via` and `upload` belong together, beside a `port` on the network"
        key = "via" if entry.via else "upload"
        raise BoardsFileError(f"{together}; write all three, or neither", board=entry.name, key=key)
    if provenance is Provenance.EMULATED and not entry.emulated:
        with emulated_board.opened(
            entry, lambda: cortex_m4.start(entry.agent or build.agent(build.EMULATED))
        ) as board:
            yield board
        return
    if entry.agent:
        misplaced = "`agent` is for an emulated board; remove it or add --emulate"
        raise BoardsFileError(misplaced, board=entry.name, key="agent")
    if port := _on_network(entry):
        agent, hello = network_nano.open_agent(entry, port, desk)
        emulator_there = UNKNOWN_EMULATOR if entry.emulated else ""
        with agent:
            identity = Identity(entry.serial or port.place, emulator_there)
            yield Board(entry, provenance, agent, hello, None, identity)
        return
    if entry.emulated:
        misplaced = "`emulated` is for an emulator at a port on the network; remove it, or name that port"
        raise BoardsFileError(misplaced, board=entry.name, key="emulated")
    agent, hello = _connect_or_upload(entry, desk)
    with agent:
        yield Board(entry, provenance, agent, hello, None, Identity(_serial(entry, agent, desk)))


def _on_network(entry: Entry) -> NetworkPort | None:
    """Return the board's port on the network, None if it has a port here or none."""
    try:
        return network_port(entry.port) if entry.port else None
    except ValueError as error:
        raise BoardsFileError(f"`port`: {error}; write one of these", board=entry.name, key="port") from error


def _serial(entry: Entry, agent: Agent, desk: Desk) -> str:
    """Return the serial number of the port that an agent answers on, which an upload may have changed."""
    _, listed = _look(entry, desk)
    port = port_named(port_of(agent.transport), listed)
    return printable(port.serial or "") if port else ""


def _look(entry: Entry, desk: Desk) -> tuple[Port | str, Sequence[Port]]:
    """Return the port of this board, or why it has none, with all ports; none if they cannot be listed."""
    try:
        listed = desk.ports()
    except SetupError as error:
        return error.text, ()
    return _find(entry, listed), listed


def _find(entry: Entry, listed: Sequence[Port]) -> Port | str:
    """Return the port of this board, or why it has none, with a remedy."""
    if not entry.port:
        found = ports_matching(listed, USB_IDS, entry.serial)
        if len(found) > 1:
            which = ", ".join(f"{port.serial or 'no serial number'} at {port.device}" for port in found)
            return f"{len(found)} {MODEL} on USB ({which}); choose by `serial` or `port` in a boards file"
        serial = f" with serial number {entry.serial}" if entry.serial else ""
        return found[0] if found else f"no {MODEL}{serial} on USB; plug it in"
    port = port_named(entry.port, listed)
    if port is None:
        there = ", ".join(port.device for port in listed) or "none"
        return f"port {entry.port} does not exist (ports here: {there}); plug it in"
    if port.id is not None and port.id not in USB_IDS:
        vendor, product = port.id
        usb = f"{vendor:04x}:{product:04x}"
        return f"port {entry.port} is USB device {usb}, not an {MODEL}; name another port"
    if entry.serial not in (None, port.serial):
        has = f"has serial number {port.serial}" if port.serial else "has no serial number"
        return f"the board at port {entry.port} {has}, not {entry.serial}; name another port or serial"
    return port


def _connect_or_upload(entry: Entry, desk: Desk) -> tuple[Agent, Hello]:
    port, listed = _look(entry, desk)
    if isinstance(port, str):
        raise BoardAbsent(f"{port}, or add --emulate", board=entry.name)
    wanted = desk.build_id()
    try:
        return _connect(entry, port.device, desk.hello_seconds, wanted)
    except (DeadlineError, ProtocolError, BuildError) as reason:
        if port.id is None and not isinstance(reason, BuildError):  # it may be any device
            refusal = f"{port.device} is not listed as {MODEL}, so no agent was uploaded: name another port"
            raise BoardAbsent(f"{reason.observation}; {refusal}", board=entry.name) from reason
        try:
            desk.upload(port.device)
        except BuildError as error:
            failed = f"{reason.observation}; its upload to {port.device} failed: {error.text}"
            raise BuildError(failed, board=entry.name) from error
    return _follow(entry, port, {other.device for other in listed} - {port.device}, wanted, desk)


def _connect(entry: Entry, device: str, seconds: float, wanted: str) -> tuple[Agent, Hello]:
    """Open the agent at a port. Raises `BuildError` if it was built from other sources than `wanted`."""
    with errors_naming(entry):
        transport = SerialTransport(device, HARDWARE_ADVICE)
    return greet(entry, transport, seconds, wanted, ANSWER_SECONDS)


def _follow(
    entry: Entry, before: Port, others: Collection[str], wanted: str, desk: Desk
) -> tuple[Agent, Hello]:
    """Wait until the board answers again after an upload, and open it.

    A board with a serial number is found by it on any port. A board without one is expected at its old port,
    or at a port that is in none of `others`.
    """
    serial = before.serial if before.id == RUNNING else None
    deadline, reason = Deadline.after(desk.return_seconds), "it did not come back on any port"
    while not deadline.passed:
        _, listed = _look(entry, desk)
        ports = [p for p in ports_matching(listed, USB_IDS, serial) if serial or p.device not in others]
        old = None if serial else port_named(before.device, listed)
        for port in dict.fromkeys((*([old] if old else []), *ports)):
            try:
                return _connect(entry, port.device, READY_SECONDS, wanted)
            except (LinkError, ProtocolError, BuildError) as error:  # it may not be ready yet
                reason = error.observation
        time.sleep(POLL_SECONDS)
    raise BuildError(f"{reason}, after its agent was uploaded; {PRESS}", board=entry.name)
