"""An agent that a machine's shell runs: its standard input and output are the line, so nothing listens there.

It ends at the end of its input; one that is stuck has a second, one that even then stays is killed.
"""

import re
from contextlib import suppress

from hil.errors import DeadlineError, HilError, LinkError
from hil.transports.deadline import Deadline
from hil.transports.machine import NOTICE_SECONDS, Machine
from hil.transports.transport import Advice

END_SECONDS = 3.0
"""What an agent may take to end once its input has."""
_CANNOT_RUN = (126, 127)
"""A shell's exit status for a program that it cannot run, or find."""


def pinned(core: int | None) -> str:
    """What runs the command after it on a core. A mask is what every taskset takes."""
    return "" if core is None else f"taskset {1 << core:x} "


class ShellTransport:
    """Starts an agent, `command` as a shell takes it, on a core. Raises `LinkError` or `DeadlineError`."""

    def __init__(self, machine: Machine, command: str, core: int | None, deadline: Deadline) -> None:
        self.name = f"the agent at {machine.name}"
        self.advice = Advice(
            machine.lost_advice, "check that it still answers, and that its agent is of these sources"
        )
        self._machine = machine
        with machine.within(deadline, "start the agent"):
            self._session = machine.execute(f"echo agent $$ >&2; exec {pinned(core)}{command}", deadline)

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        try:
            self._session.write(data, deadline)
        except TimeoutError as error:
            raise DeadlineError(f"{self.name} took no bytes for {deadline.span:g} s") from error
        except self._machine.lost as error:
            raise LinkError(self._ended()) from error

    def read(self, deadline: Deadline) -> bytes:
        """What the agent has written, at least one byte."""
        try:
            data = self._session.read(deadline)
        except TimeoutError as error:
            raise DeadlineError(f"{self.name} was silent for {deadline.span:g} s") from error
        except self._machine.lost as error:
            raise LinkError(self._ended()) from error
        if not data:
            raise LinkError(self._ended())
        return data

    def close(self) -> None:
        """End the agent. Twice is harmless."""
        deadline = Deadline.after(END_SECONDS)
        with suppress(HilError, *self._machine.lost):  # a connection that is lost has ended its input too
            self._session.end_input(deadline)
            if self._session.status(deadline.left) is None and (pid := self._pid()):
                self._machine.run(f"kill -9 {pid}", "stop the agent", Deadline.after(END_SECONDS))
        self._session.close()

    @property
    def unable(self) -> str | None:
        """Why the machine could not run the agent, if that is why it ended."""
        status = self._session.status(0)
        return (self._says() or f"exit status {status}") if status in _CANNOT_RUN else None

    def _ended(self) -> str:
        status = self._session.status(NOTICE_SECONDS)
        if status is None:
            return f"{self.name} closed its output"
        if status < 0:
            return f"{self.name} was killed" if self._machine.alive() else f"{self._machine.name} is lost"
        says = "".join(f": {line}" for line in [self._says()] if line)
        return f"{self.name} ended by itself with exit status {status}{says}"

    def _says(self) -> str:
        """The first line of its standard error, but for the one that has its number."""
        lines = self._session.complaint().decode(errors="replace").splitlines()
        return next((line for line in lines if line and not line.startswith("agent ")), "")

    def _pid(self) -> str | None:
        found = re.search(rb"^agent (\d+)$", self._session.complaint(), re.MULTILINE)
        return found[1].decode() if found else None
