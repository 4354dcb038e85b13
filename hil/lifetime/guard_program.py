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
    duties: set[tuple[str, str]] = set()
    for line in sys.stdin:
        kind, _, value = line[1:].strip().partition(" ")
        (duties.add if line[0] == "+" else duties.discard)((kind, value))
    for group in (int(value) for kind, value in duties if kind == "group"):
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    folders = [os.fsdecode(bytes.fromhex(value)) for kind, value in duties if kind == "folder"]
    end = time.monotonic() + SECONDS
    while folders and time.monotonic() < end:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        folders = [folder for folder in folders if os.path.lexists(folder)]
        time.sleep(0.01 * bool(folders))


if __name__ == "__main__":
    main()
