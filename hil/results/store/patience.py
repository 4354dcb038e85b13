"""End the wait for a server that no longer answers, so that a bench goes on without it.

A server that is stopped or cut off sends no error, and its client would wait for ever. After some seconds the
sockets of the client are shut down, which ends its wait with an error as for a server that is gone.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event


class Patience:
    """The longest wait of an engine for its server.

    Attributes:
        seconds: Seconds that the block of `limited` may take; None for any time.
    """

    def __init__(self, engine: Engine, seconds: float | None) -> None:
        self.seconds = seconds
        self._open: WeakSet[Any] = WeakSet()
        if seconds is not None:
            event.listen(engine, "do_connect", self._connected)

    def _connected(self, dialect: Any, record: object, arguments: Any, named: Any) -> Any:
        """Connect, and remember the connection before anything is sent over it."""
        connection = dialect.connect(*arguments, **named)
        self._open.add(connection)
        return connection

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Shut down all connections if the block takes too long; whatever waits in it then raises."""
        if self.seconds is None:
            yield
            return
        timer = Timer(self.seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        for connection in list(self._open):
            with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as shared:
                shared.shutdown(socket.SHUT_RDWR)  # one that is closed already has no socket
