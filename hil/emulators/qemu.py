"""Run a QEMU process with a folder for its files; neither outlives the run that started it."""

import os
import re
import select
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hil.errors import EmulatorError, EmulatorStopped
from hil.lifetime.child import Child, run
from hil.lifetime.folder import TemporaryFolder
from hil.transports.deadline import Deadline
from reds.text import printable

VERSION_SECONDS = 10.0
_PACKAGES = {"arm": "qemu-system-arm", "aarch64": "qemu-system-arm", "x86_64": "qemu-system-x86"}
"""Debian packages by what a program emulates; the others are in one."""
_KEPT = 1 << 16
"""Bytes of QEMU's output in which a pattern is searched, the last ones."""


def version(program: str, board: str) -> str:
    """Return the version text of the installed QEMU. Raises `EmulatorError` if it is missing."""
    if shutil.which(program) is None:
        raise EmulatorError(f"no {program} on this machine to emulate a {board}; install {package(program)}")
    try:
        return run([program, "--version"], VERSION_SECONDS).output
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmulatorError(
            f"{program} does not say its version: {error}; install {package(program)}"
        ) from error


def package(program: str) -> str:
    """Return the Debian package of a program of QEMU."""
    return _PACKAGES.get(program.rpartition("-")[2], "qemu-system-misc")


class Qemu:
    """An emulated board, ended by `stop` or by leaving the `with` block."""

    def __init__(self, program: str, board: str) -> None:
        """Make the folder of its files. Raises `EmulatorError` if the program is missing."""
        self.version = printable(version(program, board).partition("\n")[0])
        """Name and version of the emulator."""
        self._program = program
        self._process: Child | None = None
        self._temporary = TemporaryFolder("emulator")
        self.folder = self._temporary.path

    def link(self, name: str, file: Path) -> str:
        """Link a file into QEMU's folder, and return its path for QEMU, free of commas and equals signs."""
        (self.folder / name).symlink_to(file.absolute())
        return f"./{name}"

    def launch(self, arguments: Sequence[str], files: Sequence[int] = ()) -> None:
        """Start QEMU in its folder, and pass it the open `files`. Raises `EmulatorError`."""
        try:
            with (self.folder / "errors").open("wb") as errors:
                self._process = Child(
                    [self._program, *arguments],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    pass_fds=files,
                    setup=_on_one_core(),
                )
        except OSError as error:
            raise EmulatorError(
                f"{self._program} cannot be run: {error}; install {package(self._program)}"
            ) from error

    @property
    def pid(self) -> int:
        """Return the id of QEMU's process."""
        assert self._process is not None
        return self._process.pid

    def expect(self, pattern: re.Pattern[bytes], seconds: float) -> re.Match[bytes]:
        """Wait for output that matches a pattern. Raises `EmulatorStopped` if QEMU or the time ends first."""
        assert self._process is not None
        out = self._process.stdout
        assert out is not None
        said, deadline = b"", Deadline.after(seconds)
        while not (found := pattern.search(said)):
            ready = [] if deadline.passed else select.select([out], [], [], deadline.left)[0]
            more = os.read(out.fileno(), 4096) if ready else b""
            if not more:
                ended = _most_informative_line(said.decode(errors="replace")) or "it ended without any output"
                raise self.failed(ended if ready else f"it was not ready within {seconds:g} s")
            said = (said + more)[-_KEPT:]
        return found

    def failed(self, otherwise: str) -> EmulatorStopped:
        """Return the error of a failed start, with QEMU's last line of standard error if it wrote one."""
        return EmulatorStopped(f"{self._program} did not start: {self.last_words() or otherwise}")

    def last_words(self) -> str:
        """Return the last line of QEMU's standard error, empty if it wrote none."""
        with (self.folder / "errors").open("rb") as errors:
            return _most_informative_line(errors.read(_KEPT).decode(errors="replace"))

    def stop(self) -> None:
        """End QEMU and remove its files; stopping twice is harmless."""
        if self._process is not None:
            self._process.end()
        self._temporary.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _on_one_core() -> Callable[[], None]:
    """Return a function that keeps the child process on one core.

    QEMU's two threads pass every byte of the stream to each other. On one core that is a switch of threads.
    On two cores each thread waits until the other core wakes up, which takes three times as long.
    """
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    chosen = {usable[os.getpid() % len(usable)]} if usable else set()

    def setup() -> None:
        if chosen:
            os.sched_setaffinity(0, chosen)

    return setup


def _most_informative_line(text: str) -> str:
    """Return the most informative line: a kernel's panic, or else the last line; empty if there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "Kernel panic" in line), lines[-1] if lines else "")
