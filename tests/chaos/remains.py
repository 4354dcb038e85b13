"""Find what a run leaves behind: processes, threads, open files, temporary files."""

import gc
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.chaos.isolation import descendants

GRACE_SECONDS = 2.0
"""Seconds within which everything that a run started must have ended."""


def held(folder: Path) -> set[str]:
    """Name what this process holds: threads, open files, processes below it, files in a folder of its own."""
    gc.collect()
    names = {f"thread {thread.name} ({type(thread).__name__})" for thread in threading.enumerate()}
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            names.add(f"file {number}: {os.readlink(f'/proc/self/fd/{number}')}")
    return names | below(os.getpid()) | {f"temporary {path.name}" for path in folder.iterdir()}


def below(pid: int) -> set[str]:
    """Name the processes below a process that have not ended."""
    return {f"process {child}: {_command(child)}" for child in descendants(pid) if _runs(child)}


def remaining(names: Callable[[], set[str]]) -> list[str]:
    """Return the names that are there after the grace; none as soon as there are none."""
    deadline = time.monotonic() + GRACE_SECONDS
    while (there := names()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return sorted(there)


def _runs(pid: int) -> bool:
    """Return whether a process has not ended; an orphan that has is waited for."""
    with suppress(OSError):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            return True
        os.waitpid(pid, os.WNOHANG)
    return False


def _command(pid: int) -> str:
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        return line.replace(b"\0", b" ").decode(errors="replace")[:80]
    return ""
