"""Watch a transport: note by how much a read or a write ends after its deadline."""

import time
from typing import Any

from hil.transports.deadline import Deadline
from hil.transports.transport import Transport


class Watched:
    """The transport, and in `overrun` the seconds by which it was used beyond a deadline at the most."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.overrun = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes, deadline: Deadline) -> None:
        try:
            self._transport.write(data, deadline)
        finally:
            self._note(deadline)

    def read(self, deadline: Deadline) -> bytes:
        try:
            return self._transport.read(deadline)
        finally:
            self._note(deadline)

    def _note(self, deadline: Deadline) -> None:
        self.overrun = max(self.overrun, time.monotonic() - deadline.at)
