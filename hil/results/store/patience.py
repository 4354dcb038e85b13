"""End the wait for a server that no longer answers, so that a bench goes on without it.

A server that is stopped or cut off sends no error, and its client would wait for ever. After some seconds the
sockets of the client are shut down, which ends its wait with an error as for a server that is gone.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer, local
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event


class Patience:
    """The longest wait of an engine for its server.

    Attributes:
        seconds: Seconds that a statement in the block of `limited` may take; None for any time.
    """

    def __init__(self, engine: Engine, seconds: float | None) -> None:
        self.seconds = seconds
        self._open: WeakSet[Any] = WeakSet()
        self._running = local()
        """The timer of each thread that is in a block."""
        if seconds is not None:
            event.listen(engine, "do_connect", self._connect)
            event.listen(engine, "before_cursor_execute", self._begin_statement)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Shut down all connections if one statement takes too long; whatever waits for it then raises."""
        if self.seconds is None:
            yield
            return
        self._start()
        try:
            yield
        finally:
            self._stop()

    def _connect(self, dialect: Any, record: object, arguments: Any, named: Any) -> Any:
        """Connect, and remember the connection before anything is sent over it."""
        connection = dialect.connect(*arguments, **named)
        self._open.add(connection)
        return connection

    def _begin_statement(self, *details: object) -> None:
        if getattr(self._running, "timer", None):
            self._stop()
            self._start()

    def _start(self) -> None:
        self._running.timer = timer = Timer(self.seconds or 0.0, self._cut)
        timer.daemon = True
        timer.start()

    def _stop(self) -> None:
        self._running.timer.cancel()
        self._running.timer = None

    def _cut(self) -> None:
        for connection in list(self._open):
            with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as shared:
                shared.shutdown(socket.SHUT_RDWR)  # one that is closed already has no socket
