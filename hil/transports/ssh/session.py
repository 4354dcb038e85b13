"""A shell script that runs on a machine over SSH."""

import paramiko

from hil.transports.deadline import Deadline


class SshSession:
    """A session on a channel of paramiko's."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._complaint = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Give it all of `data` as its input."""
        rest = memoryview(data)
        while rest:
            self._channel.settimeout(deadline.left)
            rest = rest[self._channel.send(rest) :]

    def end_input(self, deadline: Deadline) -> None:
        """Let it read no more."""
        self._channel.shutdown_write()

    def read(self, deadline: Deadline) -> bytes:
        """What it has written; nothing once there will be no more."""
        self._channel.settimeout(deadline.left)
        return bytes(self._channel.recv(1 << 16))

    def complaint(self) -> bytes:
        """All that has come of its standard error so far."""
        while self._channel.recv_stderr_ready():
            self._complaint += self._channel.recv_stderr(1 << 12)
        return self._complaint

    def status(self, seconds: float) -> int | None:
        """Its exit status, below 0 if there is none because it was killed or the connection is lost."""
        return int(self._channel.exit_status) if self._channel.status_event.wait(seconds) else None

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
