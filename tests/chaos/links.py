"""Kinds of chaos on the stream to an agent, over every transport.

The fault sits right before the agent, within whatever the transport wraps around it, or in the TCP stream
that carries SSH or ADB.
"""

import os
import random
import subprocess
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hil.transports.process import ProcessTransport
from hil.transports.serial import SerialTransport
from hil.transports.transport import Transport
from tests.chaos import session, shells
from tests.chaos.faults import ALL, ANSWERS, BYTES, NONE, Fault, Shape, draw
from tests.chaos.faulty import CRASH, faulty_agent
from tests.chaos.isolation import Broken, die_with_parent, isolated
from tests.chaos.judge import HANG_SECONDS, Judge
from tests.chaos.kind import LEFT, Kinds, Outcome
from tests.chaos.remains import below, remaining
from tests.chaos.session import Link, Unavailable, Way

_PIPE_SECONDS = 1.0
_RUN_SECONDS = 300.0
"""Hard limit of a run, beyond those of its operations."""


def pipe(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the faulty agent as a child."""
    program = faulty_agent(folder, fault)

    @contextmanager
    def connect() -> Iterator[Transport]:
        transport = ProcessTransport(program)
        try:
            yield transport
        finally:
            transport.close()

    return Link(connect, _PIPE_SECONDS, _PIPE_SECONDS)


def pty(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the faulty agent behind a pseudo terminal, which plays a serial port."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stack.callback(os.close, slave)
    stack.callback(os.close, master)
    agent = subprocess.Popen(
        [faulty_agent(folder, fault)], stdin=master, stdout=master, preexec_fn=die_with_parent
    )
    stack.enter_context(agent)
    stack.callback(agent.kill)

    @contextmanager
    def connect() -> Iterator[Transport]:
        transport = SerialTransport(os.ttyname(slave))
        try:
            yield transport
        finally:
            transport.close()

    return Link(connect, _PIPE_SECONDS, _PIPE_SECONDS)


def _kind(name: str, way: Way, shapes: Mapping[str, Shape]) -> Callable[[random.Random, Path], Outcome]:
    def run(rng: random.Random, folder: Path) -> Outcome:
        fault, seed = draw(rng, shapes), rng.getrandbits(32)
        temporary = folder / "temporary"
        temporary.mkdir()
        with ExitStack() as stack:
            try:
                link = way(folder, fault, stack)
            except Unavailable as error:
                return Outcome(name, NONE, f"left out: {error}")
            judge = isolated(
                lambda: session.run(link, fault, seed, temporary), _RUN_SECONDS, folder / "stack"
            )
            if isinstance(judge, Broken):
                judge = Judge((), "broken", [str(judge)], HANG_SECONDS * judge.hung)
            if link.proxy is not None:  # a stream that stalls holds the board's end open
                link.proxy.kill()
            if (server := link.server) is not None:
                judge.violations += [f"{LEFT}{process}" for process in remaining(lambda: below(server))]
        if (crash := folder / CRASH).exists():
            judge.violate(f"the agent crashed with {crash.read_text()}")
        return Outcome(name, str(fault), judge.verdict, tuple(judge.violations), max(0.0, judge.overrun))

    return run


WAYS: dict[str, tuple[float, Way, Mapping[str, Shape]]] = {
    "link over a pipe": (10, pipe, ALL),
    "link over a pty": (6, pty, ALL),
    "link over SSH": (2, shells.ssh, ALL),
    "SSH's own stream": (2, shells.ssh_stream, BYTES),
    "link over ADB": (2, shells.adb, ALL),
    "ADB's own stream": (2, shells.adb_stream, BYTES),
    "stream to an adb server": (0.5, shells.adb_server_stream, ANSWERS),
    "stream to a real adbd": (0.1, shells.adbd_stream, BYTES),
}
"""Ways to an agent by name: how often each is drawn, and the faults of it."""
KINDS: Kinds = {name: (weight, _kind(name, way, shapes)) for name, (weight, way, shapes) in WAYS.items()}
