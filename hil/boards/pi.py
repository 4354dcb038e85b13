"""Raspberry Pi, or any other Linux of these processors, over SSH; or an emulated one, over the very same.

Its agent is static, needs no root, opens no port, and ends with the connection.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hil import build, conditions
from hil.boards.board import START_SECONDS, Board, Provenance, naming
from hil.boards.boardsfile import Entry
from hil.emulators import arm64
from hil.errors import (
    BoardAbsent,
    BoardsFileError,
    BuildError,
    DeadlineError,
    HilError,
    LinkError,
    SetupError,
)
from hil.link.agent import Agent
from hil.link.deadline import Deadline
from hil.link.hello import Hello
from hil.link.host import Host, reach
from hil.steady import Steady

if TYPE_CHECKING:
    from hil.link.remote import Remote
    from hil.link.ssh import SshTransport

HAS_EMULATOR = True
REACH_SECONDS, LOGIN_SECONDS, COMMAND_SECONDS = 4.0, 15.0, 10.0
"""What the first answer to a connection, logging in, and a command may take."""
_MACHINES = {b"\x3e\x00": "x86_64", b"\xb7\x00": "aarch64"}
"""The processor that an ELF file names in its bytes 18 and 19."""
T = TypeVar("T")


def absent(entry: Entry) -> str | None:
    """Why nothing listens where the entry says, or None; nobody logs in."""
    if entry.host is None:
        return "its entry names no host; add `host` and `user` in a boards file"
    try:
        reach(entry.host, Deadline.after(REACH_SECONDS)).close()
    except LinkError as error:
        return str(error)
    return None


@contextmanager
def start(entry: Entry, provenance: Provenance) -> Iterator[Board]:
    """Log in, store the agent of these sources, or the entry's, unless it is there, and run it.

    Raises `HostKeyError` or `LoginError` if the host or we are not trusted, `BuildError` if the agent
    cannot be stored or run there, `LinkError` if the connection is lost, after a second try.
    """
    from hil.link.ssh import SshTransport  # here, for it takes a while and most runs need none

    for key in ("port", "serial"):
        if getattr(entry, key):
            raise BoardsFileError(f"{entry.name}: `{key}` is for a board on a port, not a pi; remove it")
    with _there(entry, provenance) as entry:
        with naming(entry):
            remote, command = _twice(lambda: _prepared(entry, provenance))
        with remote:
            with naming(entry):
                transport = SshTransport(remote, command, Deadline.after(COMMAND_SECONDS))
            with (
                Agent(transport, entry.name) as agent,
                Steady(entry, lambda text: _told(entry, remote, text)) as it,
            ):
                yield Board(entry, provenance, agent, _hello(entry, agent, transport), it)


@contextmanager
def _there(entry: Entry, provenance: Provenance) -> Iterator[Entry]:
    """The entry with the machine to log in to: its own, or an emulated one, of one core and no heat."""
    if provenance is Provenance.HARDWARE:
        if entry.host is None:
            raise BoardAbsent(f"{entry.name}: {absent(entry)}")
        yield entry
        return
    with naming(entry):
        machine = arm64.start("pi")
    with machine:
        host = Host("127.0.0.1", machine.port, "pi", machine.image.key, machine.image.host_key)
        yield replace(entry, host=host, core=None, governor=None, max_celsius=None)


def _twice(work: Callable[[], T]) -> T:
    """Do it; once more if the connection was lost. A deadline that has passed is not given again."""
    try:
        return work()
    except DeadlineError:
        raise
    except LinkError as first:
        try:
            return work()
        except HilError as second:
            raise type(second)(f"{first.what}; tried again: {second}") from second


def _prepared(entry: Entry, provenance: Provenance) -> "tuple[Remote, str]":
    """An open connection, and the command that runs the agent there."""
    from hil.link.remote import Remote
    from hil.link.upload import stored

    assert entry.host is not None
    remote = Remote(entry.host, Deadline.after(LOGIN_SECONDS))
    try:
        machine = conditions.values(_run(remote, 'echo "machine=$(uname -m)"'))["machine"]
        agent = _agent(entry, provenance, machine)
        command = shlex.quote(stored(remote, agent))
        return remote, command if entry.core is None else f"taskset -c {entry.core} {command}"
    except BaseException:
        remote.close()
        raise


def _told(entry: Entry, remote: "Remote", script: str) -> str:
    with naming(entry):
        return _run(remote, script)


def _run(remote: "Remote", script: str) -> str:
    return remote.run(script, "say what it is", Deadline.after(COMMAND_SECONDS))


def _agent(entry: Entry, provenance: Provenance, machine: str) -> bytes:
    """The program for a machine of this kind."""
    if machine not in build.LINUX:
        there = f"there are agents for {' and '.join(build.LINUX)}"
        raise SetupError(f"its system is of {machine}, and {there}; install a 64-bit system on it")
    kind = build.EMULATED_LINUX if provenance is Provenance.EMULATED else build.LINUX[machine]
    program = (entry.agent or build.agent(kind, board=entry.target)).read_bytes()
    made_for = _MACHINES.get(program[18:20], "another processor") if program[:4] == b"\x7fELF" else machine
    if made_for != machine:
        raise BuildError(
            f"{entry.agent} is built for {made_for}, the board is of {machine}; build it for that"
        )
    return program


def _hello(entry: Entry, agent: Agent, transport: "SshTransport") -> Hello:
    try:
        return agent.hello(Deadline.after(START_SECONDS))
    except LinkError as error:
        if (why := transport.unable) is None:
            raise
        says = f"{entry.name}: {transport.name} cannot be run: {why}"
        raise BuildError(f"{says}; its folder has to allow programs: set XDG_CACHE_HOME there") from error
