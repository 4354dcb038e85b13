"""Open the agent of a board on USB, and keep it up to date.

An agent that does not answer, or was built from other sources, is uploaded again. The board may come back on
another port, where it is found again.
"""

import time
from collections.abc import Collection

from hil.boards.desk import POLL_SECONDS, READY_SECONDS, Desk
from hil.boards.entry import Entry, errors_naming
from hil.boards.greeting import greet
from hil.boards.usb_model import UsbModel
from hil.errors import BoardAbsent, BuildError, DeadlineError, LinkError, ProtocolError
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.protocol.patience import ANSWER_SECONDS
from hil.transports.deadline import Deadline
from hil.transports.serial import HARDWARE_ADVICE, SerialTransport
from hil.transports.serial_ports import Port, port_named, ports_matching


def open_agent(model: UsbModel, entry: Entry, desk: Desk) -> tuple[Agent, Hello]:
    """Return the agent of a board and its hello, uploaded anew if it is silent or of other sources.

    Args:
        model: The model of the board.
        entry: Its entry in boards.toml.
        desk: Ports and tools of this machine.

    Raises:
        BoardAbsent: The board is on no port.
        BuildError: The upload failed, or the board did not come back with the new agent.
    """
    port, listed = model.look(entry, desk)
    if isinstance(port, str):
        raise BoardAbsent(f"{port}, or add --emulate", board=entry.name)
    wanted = desk.build_id()
    try:
        return _connect(entry, port.device, desk.hello_seconds, wanted)
    except (DeadlineError, ProtocolError, BuildError) as reason:
        if port.id is None and not isinstance(reason, BuildError):  # it may be any device
            refusal = (
                f"{port.device} is not listed as {model.name}, so no agent was uploaded: name another port"
            )
            raise BoardAbsent(f"{reason.observation}; {refusal}", board=entry.name) from reason
        try:
            desk.upload(port.device)
        except BuildError as error:
            failed = f"{reason.observation}; its upload to {port.device} failed: {error.text}"
            raise BuildError(failed, board=entry.name) from error
    return _follow(model, entry, port, {other.device for other in listed} - {port.device}, wanted, desk)


def _connect(entry: Entry, device: str, seconds: float, wanted: str) -> tuple[Agent, Hello]:
    """Open the agent at a port. Raises `BuildError` if it was built from other sources than `wanted`."""
    with errors_naming(entry):
        transport = SerialTransport(device, HARDWARE_ADVICE)
    return greet(entry, transport, seconds, wanted, ANSWER_SECONDS)


def _follow(
    model: UsbModel, entry: Entry, before: Port, others: Collection[str], wanted: str, desk: Desk
) -> tuple[Agent, Hello]:
    """Wait until the board answers again after an upload, and open it.

    A board with a serial number is found by it on any port. A board without one is expected at its old port,
    or at a port that is in none of `others`.
    """
    serial = before.serial if before.id in model.running else None
    deadline, reason = Deadline.after(desk.return_seconds), "it did not come back on any port"
    while not deadline.passed:
        _, listed = model.look(entry, desk)
        ports = [p for p in ports_matching(listed, model.ids, serial) if serial or p.device not in others]
        old = None if serial else port_named(before.device, listed)
        for port in dict.fromkeys((*([old] if old else []), *ports)):
            try:
                return _connect(entry, port.device, READY_SECONDS, wanted)
            except (LinkError, ProtocolError, BuildError) as error:  # it may not be ready yet
                reason = error.observation
        time.sleep(POLL_SECONDS)
    raise BuildError(f"{reason}, after its agent was uploaded; {desk.press}", board=entry.name)
