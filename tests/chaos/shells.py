"""Ways to an agent in the shell of another machine: over SSH, over ADB, and what stands between."""

import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hil.boards.facts import Provenance
from hil.emulators import arm64, arm64_image
from hil.errors import SetupError
from hil.firmware import build
from hil.firmware.upload import store_once
from hil.transports.adb.device import Device
from hil.transports.adb.direct import Direct
from hil.transports.adb.key import Key
from hil.transports.adb.server import Served, Server
from hil.transports.adb.wire import TcpWire
from hil.transports.deadline import Deadline
from hil.transports.host import Host
from hil.transports.machine import Machine
from hil.transports.shell import ShellTransport
from hil.transports.ssh.machine import SshMachine
from hil.transports.transport import Transport
from tests.chaos.faults import Fault
from tests.chaos.faulty import faulty_agent, faulty_port
from tests.chaos.session import LOOK_SECONDS, STORE_SECONDS, Link, Unavailable
from tests.hil.support.phone import AdbServer, Phone
from tests.hil.support.sshd import Sshd, fingerprint

LOGIN_SECONDS, START_SECONDS = 5.0, 3.0
_CONNECT_SECONDS = LOGIN_SECONDS + 3 * LOOK_SECONDS + STORE_SECONDS + START_SECONDS
"""To log in, look for the agent, store it, settle it, look why that failed, and start it."""
_CLOSE_SECONDS = 7.0
"""An agent gets 3 s to end, then 3 s to be killed."""
LogIn = Callable[[Deadline], Machine]


def ssh(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the faulty agent on a machine over SSH."""
    board = stack.enter_context(Sshd(folder))
    return _link(_ssh(board, board.port), faulty_agent(folder, fault), server=board.pid)


def ssh_stream(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the agent on a machine over SSH, whose TCP stream is faulty."""
    board = stack.enter_context(Sshd(folder))
    port, proxy = faulty_port(fault, board.port, stack)
    return _link(_ssh(board, port), faulty_agent(folder, Fault()), server=board.pid, proxy=proxy)


def adb(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the faulty agent on a device over ADB."""
    board = stack.enter_context(Phone(folder))
    return _link(_adb(board.port), faulty_agent(folder, fault), server=board.pid)


def adb_stream(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the agent on a device over ADB, whose TCP stream is faulty."""
    board = stack.enter_context(Phone(folder))
    port, proxy = faulty_port(fault, board.port, stack)
    return _link(_adb(port), faulty_agent(folder, Fault()), server=board.pid, proxy=proxy)


def adb_server_stream(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the agent on a device of an adb server, to which the TCP stream is faulty.

    No checksum guards that stream, so its requests must not be changed: they are scripts for a real shell.
    """
    board = stack.enter_context(Phone(folder))
    server = stack.enter_context(AdbServer(folder / "server"))
    serial = server.connect(board.port)
    port, proxy = faulty_port(fault, server.port, stack)

    def log_in(deadline: Deadline) -> Device:
        return Device(Served(Server("127.0.0.1", port), serial))

    return _link(log_in, faulty_agent(folder, Fault()), server=board.pid, proxy=proxy)


def adbd_stream(folder: Path, fault: Fault, stack: ExitStack) -> Link:
    """Run the agent on the emulated Android device, to whose adbd the TCP stream is faulty."""
    if not (build.cache_dir() / f"arm64-{arm64_image._version()}").is_dir():
        raise Unavailable("no image of the emulated devices in the cache; `hil image` builds it")
    machine = stack.enter_context(arm64.start("android"))
    port, proxy = faulty_port(fault, machine.port, stack)
    agent = build.agent(build.EMULATED_LINUX, board="android")
    return _link(_adb(port), agent, target="android", provenance=Provenance.EMULATED, proxy=proxy)


def _ssh(board: Sshd, port: int) -> LogIn:
    host = Host("127.0.0.1", port, key=board.key, host_key=fingerprint(board.host_key))
    return lambda deadline: SshMachine(host, deadline)


def _adb(port: int) -> LogIn:
    host = Host("127.0.0.1", port)
    return lambda deadline: Device(Direct(TcpWire(host, deadline), Key(None)))


def _link(
    log_in: LogIn,
    program: Path,
    target: str = "desktop",
    provenance: Provenance = Provenance.HARDWARE,
    server: int | None = None,
    proxy: subprocess.Popen[bytes] | None = None,
) -> Link:
    """Log in, store the agent and start it, as boards with a shell do."""

    @contextmanager
    def connect() -> Iterator[Transport]:
        with log_in(Deadline.after(LOGIN_SECONDS)) as machine:
            command = store_once(machine, program.read_bytes())
            transport = ShellTransport(machine, shlex.quote(command), None, Deadline.after(START_SECONDS))
            try:
                yield transport
            finally:
                transport.close()

    right = () if proxy is None else (SetupError,)  # of the login and of storing the agent
    return Link(connect, _CONNECT_SECONDS, _CLOSE_SECONDS, right, target, provenance, server, proxy)
