"""Open the machine that the tests run on: the agent is a child process; its times do not repeat."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hil.boards.board import START_SECONDS, Board
from hil.boards.conditioning import Conditioner
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Identity, Provenance
from hil.errors import BoardsFileError, DeadlineError
from hil.firmware import build
from hil.lifetime.child import run
from hil.protocol.agent import Agent
from hil.transports.deadline import Deadline
from hil.transports.process import ProcessTransport
from reds.text import printable

HAS_EMULATOR = False
COMMAND_SECONDS = 10.0


def absent(entry: Entry) -> str | None:
    """Return None: this machine is always present."""
    return None


def device(entry: Entry) -> str | None:
    """Return an empty text: each run starts an agent of its own."""
    return ""


@contextmanager
def start(entry: Entry, provenance: Provenance) -> Iterator[Board]:
    """Build the agent, unless the entry names one, and run it.

    Raises `BoardsFileError` if the entry has a key of other targets, or a core that this machine lacks.
    """
    for key in ("port", "serial", "host", "emulated", "via", "upload"):
        if getattr(entry, key):
            misplaced = f"`{key}` is for a board on a port or the network, not a desktop"
            raise BoardsFileError(f"{misplaced}; remove it", board=entry.name, key=key)
    with errors_naming(entry):
        transport = _pinned(entry, entry.agent or build.agent("desktop"))
    with Agent(transport, entry.name) as agent, Conditioner(entry, _run) as conditioner:
        hello = agent.hello(Deadline.after(START_SECONDS))
        yield Board(entry, provenance, agent, hello, conditioner, Identity(printable(platform.node())))


def _pinned(entry: Entry, program: Path) -> ProcessTransport:
    if entry.core is None:
        return ProcessTransport(program)
    taskset = shutil.which("taskset")
    if taskset is None or entry.core not in os.sched_getaffinity(0):
        there = "there is no taskset here" if taskset is None else f"cores here: {_cores()}"
        barred = f"its agent cannot be put on core {entry.core} ({there})"
        raise BoardsFileError(f"{barred}; name another `core`, or none", board=entry.name, key="core")
    return ProcessTransport(Path(taskset), "-c", str(entry.core), str(program))


def _cores() -> str:
    return ", ".join(map(str, sorted(os.sched_getaffinity(0))))


def _run(script: str) -> str:
    """Return the output of a shell script on this machine, without its errors."""
    try:
        return run(["sh", "-c", script], COMMAND_SECONDS, stderr=subprocess.DEVNULL).output
    except subprocess.TimeoutExpired as error:
        late = f"this machine took longer than {COMMAND_SECONDS:g} s to report its conditions"
        raise DeadlineError(f"{late}; run again with less load") from error
