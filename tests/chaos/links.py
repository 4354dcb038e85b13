"""Kinds of chaos on the stream to an agent, over every transport.

The fault sits right before the agent, within whatever the transport wraps around it, or in the TCP stream
that carries SSH or ADB.
"""

import os
import random
import shlex
import subprocess
import sys
import sysconfig
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hil.firmware import build
from hil.firmware.upload import store_once
from hil.transports.adb.device import Device
from hil.transports.adb.direct import Direct
from hil.transports.adb.key import Key
from hil.transports.adb.wire import TcpWire
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from hil.transports.machine import Machine
from hil.transports.process import ProcessTransport
from hil.transports.serial import SerialTransport
from hil.transports.shell import ShellTransport
from hil.transports.ssh.machine import SshMachine
from hil.transports.transport import Transport
from tests.chaos import session
from tests.chaos.faults import Fault, draw
from tests.chaos.isolation import Broken, die_with_parent, isolated
from tests.chaos.judge import HANG_SECONDS, Judge
from tests.chaos.kind import LEFT, Kinds, Outcome
from tests.chaos.remains import below, remaining
from tests.chaos.session import Link
from tests.hil.support.phone import Phone
from tests.hil.support.sshd import Sshd, fingerprint

ROOT = Path(__file__).parents[2]
_PIPE_SECONDS, _LOGIN_SECONDS, _START_SECONDS = 1.0, 5.0, 3.0
_SHELL_CLOSE_SECONDS = 7.0
"""An agent over a shell gets 3 s to end, then 3 s to be killed."""
_RUN_SECONDS = 300.0
"""Hard limit of a run, beyond those of its operations."""
Make = Callable[[Path, Fault, ExitStack], Link]


def proxy(*words: str) -> list[str]:
    """Return the command of the proxy, which starts without the packages that it does not need."""
    return [sys.executable, "-s", "-S", "-m", "tests.chaos.proxy", *words]


def environment() -> dict[str, str]:
    """Return the variables by which the proxy finds its modules."""
    return {"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}", "PATH": os.environ["PATH"]}


def faulty_agent(folder: Path, fault: Fault, target: str = build.DESKTOP) -> Path:
    """Write a program that runs the real agent behind the proxy."""
    paths = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment().items())
    command = shlex.join(proxy("agent", fault.dumps(), str(build.agent(target))))
    path = folder / "faulty-agent"
    path.write_text(f"#!/bin/sh\n{paths} exec {command}\n")
    path.chmod(0o755)
    return path


def faulty_port(fault: Fault, port: int, stack: ExitStack) -> tuple[int, subprocess.Popen[bytes]]:
    """Start a proxy before a port of this machine and return its own port, and its process."""
    process = subprocess.Popen(
        proxy("port", fault.dumps(), str(port)),
        env=environment(),
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    assert process.stdout is not None
    stack.enter_context(process)
    stack.callback(process.kill)
    return int(process.stdout.readline()), process


def pipe(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the faulty agent as a child."""
    program = faulty_agent(folder, fault)

    @contextmanager
    def connect(deadline: Deadline) -> Iterator[Transport]:
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
    def connect(deadline: Deadline) -> Iterator[Transport]:
        transport = SerialTransport(os.ttyname(slave))
        try:
            yield transport
        finally:
            transport.close()

    return Link(connect, _PIPE_SECONDS, _PIPE_SECONDS)


def ssh(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the faulty agent on a machine over SSH."""
    board = stack.enter_context(Sshd(folder))
    return _shell(_ssh_login(board, board.port), faulty_agent(folder, fault), board.pid)


def ssh_stream(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the agent on a machine over SSH, whose TCP stream is faulty."""
    board = stack.enter_context(Sshd(folder))
    port, process = faulty_port(fault, board.port, stack)
    return _shell(_ssh_login(board, port), faulty_agent(folder, Fault()), board.pid, process)


def adb(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the faulty agent on a device over ADB."""
    board = stack.enter_context(Phone(folder))
    return _shell(_adb_login(board.port), faulty_agent(folder, fault), board.pid)


def adb_stream(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the agent on a device over ADB, whose TCP stream is faulty."""
    board = stack.enter_context(Phone(folder))
    port, process = faulty_port(fault, board.port, stack)
    return _shell(_adb_login(port), faulty_agent(folder, Fault()), board.pid, process)


def _ssh_login(board: Sshd, port: int) -> Callable[[Deadline], Machine]:
    host = Host("127.0.0.1", port, key=board.key, host_key=fingerprint(board.host_key))
    return lambda deadline: SshMachine(host, deadline)


def _adb_login(port: int) -> Callable[[Deadline], Machine]:
    host = Host("127.0.0.1", port)
    return lambda deadline: Device(Direct(TcpWire(host, deadline), Key(None)))


def _shell(
    log_in: Callable[[Deadline], Machine],
    program: Path,
    server: int,
    proxy: subprocess.Popen[bytes] | None = None,
) -> Link:
    """Log in, store the agent and start it, as boards with a shell do."""

    @contextmanager
    def connect(deadline: Deadline) -> Iterator[Transport]:
        with log_in(deadline) as machine:
            command = store_once(machine, program.read_bytes())
            transport = ShellTransport(machine, shlex.quote(command), None, Deadline.after(_START_SECONDS))
            try:
                yield transport
            finally:
                transport.close()

    return Link(connect, _LOGIN_SECONDS, _SHELL_CLOSE_SECONDS, server, proxy)


def _kind(name: str, make: Make, frames: bool) -> Callable[[random.Random, Path], Outcome]:
    def run(rng: random.Random, folder: Path) -> Outcome:
        fault, seed = draw(rng, frames), rng.getrandbits(32)
        temporary = folder / "temporary"
        temporary.mkdir()
        with ExitStack() as stack:
            link = make(folder, fault, stack)
            judge = isolated(
                lambda: session.run(link, fault, seed, temporary), _RUN_SECONDS, folder / "stack"
            )
            if isinstance(judge, Broken):
                judge = Judge((), "broken", [str(judge)], HANG_SECONDS * judge.hung)
            if link.proxy is not None:  # a stream that stalls holds the board's end open
                link.proxy.kill()
            if (server := link.server) is not None:
                judge.violations += [f"{LEFT}{name}" for name in remaining(lambda: below(server))]
        return Outcome(name, str(fault), judge.verdict, tuple(judge.violations), max(0.0, judge.overrun))

    return run


def _kinds() -> Kinds:
    made: dict[str, tuple[float, Make, bool]] = {
        "link over a pipe": (10, pipe, True),
        "link over a pty": (6, pty, True),
        "link over SSH": (2, ssh, True),
        "SSH's own stream": (2, ssh_stream, False),
        "link over ADB": (2, adb, True),
        "ADB's own stream": (2, adb_stream, False),
    }
    return {name: (weight, _kind(name, make, frames)) for name, (weight, make, frames) in made.items()}


KINDS = _kinds()
