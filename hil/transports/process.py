"""Run an agent as a child process and talk over its standard input and output.

What it prints on standard error is dropped: it could act on the terminal, or fill the disk. The child never
outlives its parent: `close` kills it, it exits at the end of its input, and the guard of
`hil.lifetime` kills it if the parent is killed.
"""

import os
import select
import subprocess
from pathlib import Path

from hil.errors import DeadlineError, LinkError
from hil.lifetime.child import Child
from hil.transports.deadline import Deadline
from hil.transports.transport import Advice

_CHUNK = 1 << 16


class ProcessTransport:
    """Runs `program`, an agent or a program that starts one, with these arguments."""

    advice = Advice("run it by hand to see why", "check that it was built from these sources")

    def __init__(self, program: Path, *arguments: str) -> None:
        self.name = f"agent {program.name}"
        try:
            self._process = Child(
                [str(program), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError as error:
            stays = f"{program}: the agent does not start: {error.strerror}"
            raise LinkError(f"{stays}; check that it is a program for this machine") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        os.set_blocking(self._to.fileno(), False)

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data` as fast as the pipe accepts it."""
        rest = memoryview(data)
        while rest:
            if deadline.passed or not select.select([], [self._to], [], deadline.left)[1]:
                raise DeadlineError(
                    f"{self.name} did not take {len(data):,} bytes within {deadline.span:g} s"
                )
            try:
                rest = rest[os.write(self._to.fileno(), rest[:_CHUNK]) :]
            except BlockingIOError:  # the pipe has room, but less than the piece needs
                continue
            except OSError as error:
                raise LinkError(self._why_ended()) from error

    def read(self, deadline: Deadline) -> bytes:
        """Return at least one byte of the agent's output."""
        if deadline.passed or not select.select([self._from], [], [], deadline.left)[0]:
            raise DeadlineError(f"{self.name} was silent for {deadline.span:g} s")
        data = os.read(self._from.fileno(), _CHUNK)
        if not data:
            raise LinkError(self._why_ended())
        return data

    def close(self) -> None:
        """Kill the agent and wait for its end."""
        self._process.end()

    def _why_ended(self) -> str:
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return f"{self.name} closed its end of the pipe"
        return f"{self.name} ended by itself with exit status {status}"
