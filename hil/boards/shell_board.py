"""A board that is a machine with a shell, as a Pi or a phone.

Its agent is static, needs no root, opens no port, and ends with the connection.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from hil.boards.board import START_SECONDS, Board
from hil.boards.conditioning import Conditioner
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Provenance
from hil.errors import BoardsFileError, BuildError, DeadlineError, HilError, LinkError, SetupError
from hil.firmware import build
from hil.firmware.upload import stored
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.transports.deadline import Deadline
from hil.transports.machine import Machine, key_values
from hil.transports.shell import ShellTransport, pinned

COMMAND_SECONDS = 10.0
"""What a command may take."""
_MACHINES = {b"\x3e\x00": "x86_64", b"\xb7\x00": "aarch64"}
"""The processor that an ELF file names in its bytes 18 and 19."""
T = TypeVar("T")


@contextmanager
def start(
    entry: Entry, provenance: Provenance, agents: Mapping[str, str], connect: Callable[[], Machine]
) -> Iterator[Board]:
    """Connect, store the agent of these sources, or the entry's, unless it is there, and run it.

    `agents` are those that `hil.firmware.build` makes for such a board, by what `uname -m` prints there.
    Raises what `connect` does, `BuildError` if the agent cannot be stored or run there, `LinkError` if
    the connection is lost, after a second try.
    """
    if provenance is Provenance.EMULATED:  # of one core, and no heat
        entry = replace(entry, core=None, governor=None, max_celsius=None)
    with errors_naming(entry):
        machine, command = _twice(lambda: _prepared(entry, agents, connect))
    with machine:
        with errors_naming(entry):
            transport = ShellTransport(machine, command, entry.core, Deadline.after(COMMAND_SECONDS))
        with (
            Agent(transport, entry.name) as agent,
            Conditioner(entry, lambda script: _told(entry, machine, script)) as conditioner,
        ):
            yield Board(entry, provenance, agent, _hello(entry, agent, transport, machine), conditioner)


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


def _prepared(entry: Entry, agents: Mapping[str, str], connect: Callable[[], Machine]) -> tuple[Machine, str]:
    """An open connection, and the command that runs the agent there."""
    machine = connect()
    try:
        kind = key_values(_run(machine, 'echo "machine=$(uname -m)"'))["machine"]
        _check_core(entry, machine)
        agent = _agent(entry, agents, kind)
        return machine, shlex.quote(stored(machine, agent))
    except BaseException:
        machine.close()
        raise


def _check_core(entry: Entry, machine: Machine) -> None:
    if entry.core is not None:
        try:
            machine.run(f"{pinned(entry.core)}true", "use its core", Deadline.after(COMMAND_SECONDS))
        except BuildError as error:
            why = f"its agent cannot be put on core {entry.core}: {error}"
            raise BoardsFileError(f"{why}; name another `core`, or none") from error


def _told(entry: Entry, machine: Machine, script: str) -> str:
    with errors_naming(entry):
        return _run(machine, script)


def _run(machine: Machine, script: str) -> str:
    return machine.run(script, "say what it is", Deadline.after(COMMAND_SECONDS))


def _agent(entry: Entry, agents: Mapping[str, str], machine: str) -> bytes:
    """The program for a machine of this kind."""
    if machine not in agents:
        there = f"there are agents for {' and '.join(agents)}"
        raise SetupError(f"its system is of {machine}, and {there}; install a 64-bit system on it")
    program = (entry.agent or build.agent(agents[machine], board=entry.target)).read_bytes()
    made_for = _MACHINES.get(program[18:20], "another processor") if program[:4] == b"\x7fELF" else machine
    if made_for != machine:
        raise BuildError(
            f"{entry.agent} is built for {made_for}, the board is of {machine}; build it for that"
        )
    return program


def _hello(entry: Entry, agent: Agent, transport: ShellTransport, machine: Machine) -> Hello:
    try:
        return agent.hello(Deadline.after(START_SECONDS))
    except LinkError as error:
        if (why := transport.unable) is None:
            raise
        says = f"{entry.name}: {transport.name} cannot be run: {why}"
        raise BuildError(f"{says}; {machine.barred_advice}") from error
