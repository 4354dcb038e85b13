"""Give another program the byte stream to an agent as a pseudo terminal, as if the board were on a port.

The terminal stays open when a program closes it, so another one may open it next.
"""

import os
import select
import threading
import tty
from collections.abc import Callable
from typing import Self

from hil.errors import DeadlineError, LinkError
from hil.transports.deadline import Deadline
from hil.transports.transport import Transport

_CHUNK = 4096
_TURN_SECONDS = 0.05
"""Seconds after which each direction looks whether it is to stop."""
_WRITE_SECONDS = 60.0


class Terminal:
    """A pseudo terminal whose bytes go to and come from `transport`, which nothing else may use meanwhile."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        """The terminal, which programs open as a serial port."""
        self._over = threading.Event()
        self._lost: LinkError | None = None
        ways = self._to_board, self._from_board
        self._threads = [threading.Thread(target=self._carry, args=(way,), daemon=True) for way in ways]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def wait(self) -> None:
        """Wait until the board is lost, and raise the `LinkError`. An interrupt ends it too."""
        while not self._over.wait(1):
            pass
        if self._lost:
            raise self._lost

    def close(self) -> None:
        """Close the terminal; the transport stays open."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for end in (self._master, self._slave):
            if end >= 0:
                os.close(end)
        self._master = self._slave = -1

    def _carry(self, one_turn: Callable[[], None]) -> None:
        try:
            while not self._over.is_set():
                one_turn()
        except LinkError as error:
            self._lost = self._lost or error
            self._over.set()

    def _to_board(self) -> None:
        if select.select([self._master], [], [], _TURN_SECONDS)[0]:
            self._transport.write(os.read(self._master, _CHUNK), Deadline.after(_WRITE_SECONDS))

    def _from_board(self) -> None:
        try:
            rest = memoryview(self._transport.read(Deadline.after(_TURN_SECONDS)))
        except DeadlineError:
            return
        while rest and not self._over.is_set():
            if select.select([], [self._master], [], _TURN_SECONDS)[1]:
                rest = rest[os.write(self._master, rest[:_CHUNK]) :]
