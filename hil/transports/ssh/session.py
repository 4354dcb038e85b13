"""Run a shell script on a machine over SSH."""

import paramiko

from hil.transports.deadline import Deadline


class SshSession:
    """A shell script on a channel of paramiko."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._stderr = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Write all of `data` to the standard input of the script."""
        rest = memoryview(data)
        while rest:
            self._channel.settimeout(deadline.left)
            rest = rest[self._channel.send(rest) :]

    def end_input(self, deadline: Deadline) -> None:
        """End the standard input of the script."""
        self._channel.shutdown_write()

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte of standard output, or none at its end."""
        self._channel.settimeout(deadline.left)
        return bytes(self._channel.recv(1 << 16))

    def stderr(self) -> bytes:
        """Return the standard error that has arrived so far."""
        while self._channel.recv_stderr_ready():
            self._stderr += self._channel.recv_stderr(1 << 12)
        return self._stderr

    def status(self, seconds: float) -> int | None:
        """Return the exit status, or None if it is unknown after `seconds`.

        It is negative if a signal ended the script, or the stream to it was lost.
        """
        return int(self._channel.exit_status) if self._channel.status_event.wait(seconds) else None

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
