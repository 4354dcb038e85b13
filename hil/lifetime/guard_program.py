"""Clean up what a process leaves when it ends: run as a program.

The process holds the other end of standard input, so the end of the input is the end of the process, even by
a kill. Every line before adds or removes a duty:

    +group 12           kill a process group
    +folder 2f746d70    remove a folder, a path in hex
    +command 5b5b...    run a command: its words, and what its environment has besides ours, as JSON in hex
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

SECONDS = 1.0
"""Time to remove folders in which killed processes still write."""
COMMAND_SECONDS = 50.0
"""Time that the commands may take together."""


def main() -> None:
    """Collect duties until the end of the input, then do them."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    groups: dict[int, str] = {}
    duties: set[str] = set()
    commands: set[str] = set()
    for line in sys.stdin:
        kind, _, value = line[1:].strip().partition(" ")
        if kind == "folder":
            (duties.add if line[0] == "+" else duties.discard)(value)
        elif kind == "command":
            (commands.add if line[0] == "+" else commands.discard)(value)
        elif line[0] == "+":
            groups[int(value)] = start_of(int(value))
        else:
            groups.pop(int(value), None)
    for group, start in groups.items():
        if start_of(group) in ("", start):  # else the number has gone to a program of somebody else
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)
    started = [process for value in commands if (process := run(value))]
    folders = [os.fsdecode(bytes.fromhex(value)) for value in duties]
    end = time.monotonic() + SECONDS
    while folders and time.monotonic() < end:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        folders = [folder for folder in folders if os.path.lexists(folder)]
        time.sleep(0.01 * bool(folders))
    end = time.monotonic() + COMMAND_SECONDS
    for process in started:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)


def run(value: str) -> "subprocess.Popen[bytes] | None":
    """Start a command in a process group of its own; return None if it cannot be started."""
    words, environment = json.loads(bytes.fromhex(value))
    quiet = subprocess.DEVNULL
    try:
        return subprocess.Popen(
            words,
            env={**os.environ, **environment},
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
        )
    except OSError:
        return None


def start_of(process: int) -> str:
    """Return when a process started, in ticks since the machine did; empty if it has ended or is unknown."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


if __name__ == "__main__":
    main()
