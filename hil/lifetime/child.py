"""Start programs that end with this process, however it ends, and run some to their end."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from hil.lifetime.guard import channel, order, tell

KEPT = 1 << 20
"""Bytes of a program's output that are kept, its last ones."""


class Child(subprocess.Popen[bytes]):
    """A program in a process group of its own. When this process ends, the group is killed.

    `setup` runs in the child before the program. Other options are those of `subprocess.Popen`.
    """

    def __init__(
        self, command: Sequence[str], *, setup: Callable[[], None] | None = None, **options: Any
    ) -> None:
        pipe = channel()

        def register() -> None:
            os.write(pipe, order("+", "group", str(os.getpid())))  # here: a parent killed now tells nobody
            if setup is not None:
                setup()

        try:
            super().__init__(command, start_new_session=True, preexec_fn=register, **options)
        except OSError:
            self._forget()
            raise

    def kill(self) -> None:
        """Kill the whole group, unless its first process has ended and was waited for."""
        if self.returncode is None:
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the first process, and return its status."""
        status = super().wait(timeout)
        self._forget()
        return status

    def end(self) -> None:
        """Kill the group, wait for its first process and close the pipes; a second call is harmless."""
        self.kill()
        self.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _forget(self) -> None:
        if pid := getattr(self, "pid", None):
            tell(order("-", "group", str(pid)))


@dataclass(frozen=True)
class Ended:
    """Exit status and output of a program that has ended; a negative status is the number of a signal."""

    status: int
    output: str


def run(command: Sequence[str], seconds: float, **options: Any) -> Ended:
    """Run a program without input to its end.

    Args:
        command: The program and its arguments.
        seconds: Its deadline.
        options: Those of `subprocess.Popen`. Standard error is part of the output unless they say otherwise.

    Raises:
        TimeoutExpired: The program did not end in time; it was killed with all that it started.
        OSError: The program cannot be started.
    """
    end, kept = time.monotonic() + seconds, bytearray()
    plain = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with Child(command, **{**plain, **options}) as child:
        assert child.stdout is not None
        while (left := end - time.monotonic()) > 0 and select.select([child.stdout], [], [], left)[0]:
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                break
            kept += data
            del kept[:-KEPT]
        status = child.wait(max(0.0, end - time.monotonic()))
    return Ended(status, kept.decode(errors="replace"))
