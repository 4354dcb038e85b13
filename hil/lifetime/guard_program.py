"""Kill the process groups, and remove the folders, that a process leaves when it ends: run as a program.

The process holds the other end of standard input, so the end of the input is the end of the process, even by
a kill. Every line before adds or removes a duty: `+group 12`, `-group 12`, `+folder 2f746d70`, a path in hex.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

SECONDS = 1.0
"""Time to remove folders in which killed processes still write."""


def main() -> None:
    """Collect duties until the end of the input, then do them."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    groups: dict[int, str] = {}
    duties: set[str] = set()
    for line in sys.stdin:
        kind, _, value = line[1:].strip().partition(" ")
        if kind == "folder":
            (duties.add if line[0] == "+" else duties.discard)(value)
        elif line[0] == "+":
            groups[int(value)] = start_of(int(value))
        else:
            groups.pop(int(value), None)
    for group, start in groups.items():
        if start_of(group) in ("", start):  # else the number has gone to a program of somebody else
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)
    folders = [os.fsdecode(bytes.fromhex(value)) for value in duties]
    end = time.monotonic() + SECONDS
    while folders and time.monotonic() < end:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        folders = [folder for folder in folders if os.path.lexists(folder)]
        time.sleep(0.01 * bool(folders))


def start_of(process: int) -> str:
    """Return when a process started, in ticks since the machine did; empty if it has ended or is unknown."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


if __name__ == "__main__":
    main()
