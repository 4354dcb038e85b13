"""An agent on a machine over SSH: its standard input and output are the line, so nothing listens there.

It ends at the end of its input; one that is stuck has a second, one that even then stays is killed.
"""

import re
from contextlib import suppress

from hil.errors import DeadlineError, HilError, LinkError
from hil.link.deadline import Deadline
from hil.link.remote import LOST, LOST_ADVICE, NOTICE_SECONDS, Remote
from hil.link.transport import Advice

END_SECONDS = 3.0
"""What an agent may take to end once its input has."""
_CANNOT_RUN = (126, 127)
"""A shell's exit status for a program that it cannot run, or find."""


class SshTransport:
    """Starts an agent, `command` as a shell takes it. Raises `LinkError` or `DeadlineError`."""

    advice = Advice(LOST_ADVICE, "check that it is an agent of these sources")

    def __init__(self, remote: Remote, command: str, deadline: Deadline) -> None:
        self.name = f"the agent at {remote.name}"
        self._remote = remote
        self._complaint = b""
        with remote.within(deadline, "start the agent"):
            self._channel = remote.execute(f"echo agent $$ >&2; exec {command}")

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        rest = memoryview(data)
        try:
            while rest:
                self._channel.settimeout(deadline.left)
                rest = rest[self._channel.send(rest) :]
        except TimeoutError as error:
            raise DeadlineError(f"{self.name} took no bytes for {deadline.span:g} s") from error
        except LOST as error:
            raise LinkError(self._ended()) from error

    def read(self, deadline: Deadline) -> bytes:
        """What the agent has written, at least one byte."""
        self._channel.settimeout(deadline.left)
        try:
            data = bytes(self._channel.recv(1 << 16))
        except TimeoutError as error:
            raise DeadlineError(f"{self.name} was silent for {deadline.span:g} s") from error
        if not data:
            raise LinkError(self._ended())
        return data

    def close(self) -> None:
        """End the agent. Twice is harmless."""
        with suppress(HilError, *LOST):  # a connection that is lost has ended its input too
            self._channel.shutdown_write()
            if not self._channel.status_event.wait(END_SECONDS) and (pid := self._pid()):
                self._remote.run(f"kill -9 {pid}", "stop the agent", Deadline.after(END_SECONDS))
        self._channel.close()

    @property
    def unable(self) -> str | None:
        """Why the machine could not run the agent, if that is why it ended."""
        status = self._channel.exit_status
        return (self._says() or f"exit status {status}") if status in _CANNOT_RUN else None

    def _ended(self) -> str:
        if not self._channel.status_event.wait(NOTICE_SECONDS):
            return f"{self.name} closed its output"
        if self._channel.exit_status < 0:
            return f"{self.name} was killed" if self._remote.alive() else f"{self._remote.name} is lost"
        says = "".join(f": {line}" for line in [self._says()] if line)
        return f"{self.name} ended by itself with exit status {self._channel.exit_status}{says}"

    def _says(self) -> str:
        """The first line of its standard error, but for the one that has its number."""
        lines = self._heard().decode(errors="replace").splitlines()
        return next((line for line in lines if line and not line.startswith("agent ")), "")

    def _pid(self) -> str | None:
        found = re.search(rb"^agent (\d+)$", self._heard(), re.MULTILINE)
        return found[1].decode() if found else None

    def _heard(self) -> bytes:
        while self._channel.recv_stderr_ready():
            self._complaint += self._channel.recv_stderr(1 << 12)
        return self._complaint
