"""Name the tools by which a Nano is found, kept up to date and waited for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hil.boards.board import START_SECONDS
from hil.firmware import build
from hil.firmware.elsewhere import upload_nano_on
from hil.transports.host import Host
from hil.transports.serial_ports import Port, ports_here

READY_SECONDS = 1.0
"""Seconds that a board that came back may take to answer, before its port is looked for again."""
POLL_SECONDS = 0.05
PRESS = "press its reset button twice and run again"
"""Remedy for a board that does not come back after an upload."""


@dataclass(frozen=True)
class Desk:
    """Ports and tools of this machine; tests replace them."""

    ports: Callable[[], tuple[Port, ...]]
    upload: Callable[[str], None]
    build_id: Callable[[], str]
    hello_seconds: float = START_SECONDS
    return_seconds: float = 15.0
    """Seconds that a board may take to come back after an upload."""
    upload_there: Callable[[Host, Sequence[str], Callable[[], None]], None] = upload_nano_on
    """Uploads to a board of another machine."""


THIS_DESK = Desk(ports_here, build.upload_nano, build.build_id)
