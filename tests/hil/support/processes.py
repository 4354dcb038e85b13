"""Find the processes of a run by a variable of their environment, and wait for conditions."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from hil.transports.deadline import Deadline

SECONDS = 60.0
"""Many times what a condition takes, for a busy machine."""
T = TypeVar("T")


def marked(mark: str) -> list[str]:
    """Return the command lines of the living processes that have `mark` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if line]


def eventually(holds: Callable[[], T], seconds: float = SECONDS) -> T:
    """Wait until a condition is true, and return its value; the last value if it never is."""
    deadline = Deadline.after(seconds)
    while not (value := holds()) and not deadline.passed:
        time.sleep(0.01)
    return value


def children() -> list[str]:
    """Return the command lines of the programs that this process started and that live, but for its guard."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if int(parent) == os.getpid() and line and "guard_program" not in line:
                found.append(line)
    return sorted(found)
