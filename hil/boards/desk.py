"""Name the tools by which boards on USB are found, kept up to date and waited for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hil.boards.board import START_SECONDS
from hil.transports.host import Host
from hil.transports.serial_ports import Port

READY_SECONDS = 1.0
"""Seconds that a board that came back may take to answer, before its port is looked for again."""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Desk:
    """Ports and tools of this machine for one kind of board; tests replace them.

    Attributes:
        ports: Lists the serial ports.
        upload: Builds the agent and stores it on the board at a port.
        build_id: Returns the hash of the sources of the agent.
        upload_there: Uploads to a board of another machine, by a command of it.
        hello_seconds: Seconds that the first answer may take.
        return_seconds: Seconds that a board may take to come back after an upload.
        press: Remedy for a board that does not come back.
    """

    ports: Callable[[], tuple[Port, ...]]
    upload: Callable[[str], None]
    build_id: Callable[[], str]
    upload_there: Callable[[Host, Sequence[str], Callable[[], None]], None]
    hello_seconds: float = START_SECONDS
    return_seconds: float = 15.0
    press: str = "press its reset button and run again"
