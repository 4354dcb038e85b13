"""Find what a run leaves behind: processes, threads, open files, temporary files."""

import gc
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.chaos.isolation import descendants

GRACE_SECONDS = 2.0
"""Seconds within which everything that a run started must have ended."""


def held() -> set[str]:
    """Name what this process holds: its threads, its open files, the processes below it, temporary files."""
    gc.collect()
    names = {f"thread {thread.name} of {type(thread).__module__}" for thread in threading.enumerate()}
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            names.add(f"file {number}: {os.readlink(f'/proc/self/fd/{number}')}")
    names |= {f"process {pid}: {line}" for pid in descendants(os.getpid()) if (line := _command(pid))}
    return names | {f"temporary {path.name}" for path in Path(tempfile.gettempdir()).iterdir()}


def remaining(before: set[str]) -> list[str]:
    """Name what this process holds after the grace and did not before; none as soon as nothing does."""
    deadline = time.monotonic() + GRACE_SECONDS
    while (names := held() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    return sorted(names)


def _command(pid: int) -> str:
    """Return the command line of a process, empty if it has ended; an ended orphan is waited for."""
    with suppress(OSError):
        if line := Path(f"/proc/{pid}/cmdline").read_bytes():
            return line.replace(b"\0", b" ").decode(errors="replace")[:80]
        os.waitpid(pid, os.WNOHANG)
    return ""
