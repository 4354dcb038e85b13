"""Run a shell script on a machine over SSH."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import paramiko

from hil.transports.deadline import Deadline
from hil.transports.machine import MOST_ERRORS

_GRACE_SECONDS = 1.0
"""Seconds after a deadline at which a wait without a timeout is ended."""


@contextmanager
def closing_after(seconds: float, close: Callable[[], None]) -> Iterator[None]:
    """Close something that is waited for if the block takes longer."""
    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class SshSession:
    """A shell script on a channel of paramiko; its standard error begins `after` a mark."""

    def __init__(self, channel: paramiko.Channel, after: bytes) -> None:
        self._channel = channel
        self._after = after
        self._stderr = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Write all of `data` to the standard input of the script."""
        rest = memoryview(data)
        while rest:
            self._channel.settimeout(deadline.remaining())
            with self._guarded(deadline):
                rest = rest[self._channel.send(rest) :]

    def end_input(self, deadline: Deadline) -> None:
        """End the standard input of the script."""
        self._channel.shutdown_write()

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte of standard output, or none at its end."""
        self._channel.settimeout(deadline.remaining())
        with self._guarded(deadline):
            return bytes(self._channel.recv(1 << 16))

    def stderr(self) -> bytes:
        """Return the standard error of the script that has arrived so far."""
        return self.all_errors().partition(self._after)[2]

    def all_errors(self) -> bytes:
        """Return what has arrived on standard error so far, at most the first `MOST_ERRORS` bytes."""
        while self._channel.recv_stderr_ready() and len(self._stderr) < MOST_ERRORS:
            self._stderr += self._channel.recv_stderr(MOST_ERRORS - len(self._stderr))
        return self._stderr

    def status(self, seconds: float) -> int | None:
        """Return the exit status, or None if it is unknown after `seconds`.

        It is negative if a signal ended the script, or the stream to it was lost.
        """
        return int(self._channel.exit_status) if self._channel.status_event.wait(seconds) else None

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _guarded(self, deadline: Deadline) -> AbstractContextManager[None]:
        """Close the login if paramiko waits on after the deadline: its socket takes no bytes."""
        return closing_after(deadline.left + _GRACE_SECONDS, self._channel.get_transport().close)
