"""Run an agent in the shell of another machine, over its standard input and output.

The agent listens on no port. It exits at the end of its input. An agent that hangs is killed.
"""

import re
from contextlib import suppress

from hil.errors import DeadlineError, HilError, LinkError
from hil.transports.deadline import Deadline
from hil.transports.machine import NOTICE_SECONDS, Machine
from hil.transports.transport import Advice
from reds.text import printable

END_SECONDS = 3.0
"""Seconds that an agent may take to exit after its input has ended."""
_CANNOT_RUN = (126, 127)
"""Exit statuses of a shell that cannot run a program, or cannot find it."""


def pinned(core: int | None) -> str:
    """Return a shell prefix that pins a command to a core. Every taskset accepts a mask."""
    return "" if core is None else f"taskset {1 << core:x} "


class ShellTransport:
    """Starts an agent in the shell of a machine.

    Args:
        machine: The machine, logged in.
        command: Path of the agent, quoted for the shell.
        core: Core to pin the agent to, None for any.
        deadline: When the script must have started.
    """

    def __init__(self, machine: Machine, command: str, core: int | None, deadline: Deadline) -> None:
        self.name = f"the agent at {machine.name}"
        self.advice = Advice(
            machine.lost_advice, "check that it still answers, and that its agent is built from these sources"
        )
        self._machine = machine
        with machine.within(deadline, "start the agent"):
            self._session = machine.execute(f"echo agent $$ >&2; exec {pinned(core)}{command}", deadline)

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        try:
            self._session.write(data, deadline)
        except TimeoutError as error:
            slow = f"{self.name} did not take {len(data):,} bytes within {deadline.span:g} s"
            raise DeadlineError(slow) from error
        except self._machine.lost as error:
            raise LinkError(self._why_ended()) from error

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte of the agent's output."""
        try:
            data = self._session.read(deadline)
        except TimeoutError as error:
            raise DeadlineError(f"{self.name} was silent for {deadline.span:g} s") from error
        except self._machine.lost as error:
            raise LinkError(self._why_ended()) from error
        if not data:
            raise LinkError(self._why_ended())
        return data

    def close(self) -> None:
        """End the agent; closing twice is harmless."""
        deadline = Deadline.after(END_SECONDS)
        with suppress(HilError, *self._machine.lost):  # a lost stream has ended the input too
            with self._machine.within(deadline, "end the agent"):
                self._session.end_input(deadline)
            if self._session.status(deadline.left) is None and (pid := self._pid()):
                self._machine.run(f"kill -9 {pid}", "stop the agent", Deadline.after(END_SECONDS))
        self._session.close()

    @property
    def why_not_run(self) -> str | None:
        """Return why the machine could not run the agent, or None if that did not happen."""
        status = self._session.status(0)
        return (self._first_error() or f"exit status {status}") if status in _CANNOT_RUN else None

    def _why_ended(self) -> str:
        status = self._session.status(NOTICE_SECONDS)
        if status is None:
            return f"{self.name} closed its output"
        if status < 0:
            return f"{self.name} was killed" if self._machine.alive() else f"{self._machine.name} is lost"
        says = "".join(f": {line}" for line in [self._first_error()] if line)
        return f"{self.name} ended by itself with exit status {status}{says}"

    def _first_error(self) -> str:
        """Return the first line of standard error, apart from the one with the process id."""
        lines = self._session.stderr().decode(errors="replace").splitlines()
        return printable(next((line for line in lines if line and not line.startswith("agent ")), ""))

    def _pid(self) -> str | None:
        found = re.search(rb"^agent (\d+)$", self._session.stderr(), re.MULTILINE)
        return found[1].decode() if found else None
