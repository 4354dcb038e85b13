"""A QEMU process and the folder of its files: neither outlives the run that started it."""

import os
import re
import select
import shutil
import subprocess
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from hil.emulators.temporary import temporary_folder
from hil.errors import EmulatorError
from hil.transports.deadline import Deadline
from hil.transports.process import die_with_parent


def version(program: str, board: str) -> str:
    """What the installed QEMU says it is. Raises `EmulatorError` if there is none to emulate `board` with."""
    if shutil.which(program) is None:
        raise EmulatorError(
            f"no {program} on this machine to emulate a {board} with; install qemu-system-arm"
        )
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout


class Qemu:
    """An emulated board. `stop`, or leaving the `with`, ends it."""

    def __init__(self, program: str, board: str) -> None:
        """Make its folder. Raises `EmulatorError` if the program is missing."""
        version(program, board)
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = temporary_folder("reds-emulator-")

    def launch(self, arguments: Sequence[str], files: Sequence[int] = ()) -> None:
        """Start it; it is given the open `files`."""
        with (self.folder / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [self._program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=files,
                preexec_fn=_child_setup(),
            )

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def expect(self, pattern: re.Pattern[bytes], seconds: float) -> re.Match[bytes]:
        """What its output has that matches. Raises `EmulatorError` if it ends or the time does first."""
        assert self._process is not None
        out = self._process.stdout
        assert out is not None
        said, deadline = b"", Deadline.after(seconds)
        while not (found := pattern.search(said)):
            ready = select.select([out], [], [], deadline.left)[0]
            more = os.read(out.fileno(), 4096) if ready else b""
            if not more:
                ended = _telling(said.decode(errors="replace")) or "it has ended without a word"
                raise self.failed(ended if ready else f"not ready within {seconds:g} s")
            said += more
        return found

    def failed(self, otherwise: str) -> EmulatorError:
        """The error for one that does not start: QEMU's last words, if it left any."""
        return EmulatorError(f"{self._program} did not start: {self.last_words() or otherwise}")

    def last_words(self) -> str:
        """The last line that QEMU wrote to its standard error; empty if it wrote none."""
        return _telling((self.folder / "errors").read_text(errors="replace"))

    def stop(self) -> None:
        """End the emulator and remove its files. Harmless if done twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _child_setup() -> Callable[[], None]:
    """What the emulator does before it starts: die with its parent, and stay on one processor.

    QEMU's two threads hand every byte of the line to each other. On one processor that is a switch between
    them; on two, each waits for a sleeping processor to wake, which takes three times as long.
    """
    death = die_with_parent()
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    chosen = {usable[os.getpid() % len(usable)]} if usable else set()

    def setup() -> None:
        if death is not None:
            death()
        if chosen:
            os.sched_setaffinity(0, chosen)

    return setup


def _telling(text: str) -> str:
    """The line that says most: a kernel's panic, or else the last one; empty if there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "Kernel panic" in line), lines[-1] if lines else "")
