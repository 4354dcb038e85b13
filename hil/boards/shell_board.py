"""Open a board that has a shell, such as a Pi or a phone.

Its agent is static, needs no root, listens on no port, and ends with the login.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from hil.boards.board import START_SECONDS, Board
from hil.boards.conditioning import Conditioner
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Identity, Provenance
from hil.errors import BoardsFileError, BuildError, DeadlineError, HilError, LinkError, SetupError
from hil.firmware import build
from hil.firmware.upload import store_once
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.transports.deadline import Deadline
from hil.transports.machine import Machine, key_values
from hil.transports.shell import ShellTransport, pinned
from reds.text import printable

COMMAND_SECONDS = 10.0
"""Deadline of one command."""
_MACHINES = {b"\x3e\x00": "x86_64", b"\xb7\x00": "aarch64"}
"""Processor of an ELF file by its bytes 18 and 19."""
T = TypeVar("T")


@contextmanager
def start(
    entry: Entry,
    provenance: Provenance,
    agents: Mapping[str, str],
    connect: Callable[[], Machine],
    emulator: str = "",
) -> Iterator[Board]:
    """Log in, store the agent unless it is there, and run it.

    Args:
        entry: The board's entry; its own agent replaces the built one.
        provenance: Whether the board is hardware or emulated.
        agents: Environments of `hil.firmware.build` by the machine that `uname -m` prints.
        connect: Logs in to the board.
        emulator: Emulator and its version; empty for hardware.

    Raises:
        BuildError: The agent cannot be stored or run on the board.
        LinkError: The login was lost, twice.
    """
    if provenance is Provenance.EMULATED:  # it has one core and no temperature
        entry = replace(entry, core=None, governor=None, max_celsius=None)
    with errors_naming(entry):
        machine, command = _with_one_retry(lambda: _log_in_and_store(entry, agents, connect))
    with machine:
        with errors_naming(entry):
            hardware = provenance is Provenance.HARDWARE
            serial = machine.serial(Deadline.after(COMMAND_SECONDS)) if hardware else ""
            transport = ShellTransport(machine, command, entry.core, Deadline.after(COMMAND_SECONDS))
        with (
            Agent(transport, entry.name) as agent,
            Conditioner(entry, lambda script: _run_for_entry(entry, machine, script)) as conditioner,
        ):
            hello = _hello(entry, agent, transport, machine)
            yield Board(entry, provenance, agent, hello, conditioner, Identity(serial, emulator))


def _with_one_retry(work: Callable[[], T]) -> T:
    """Do the work, and once more if the login was lost. A passed deadline is not granted again."""
    try:
        return work()
    except DeadlineError:
        raise
    except LinkError as first:
        try:
            return work()
        except HilError as second:
            raise type(second)(f"{first.observation}; tried again: {second.text}") from second


def _log_in_and_store(
    entry: Entry, agents: Mapping[str, str], connect: Callable[[], Machine]
) -> tuple[Machine, str]:
    """Log in, store the agent, and return the login with the command that runs the agent."""
    machine = connect()
    try:
        system = key_values(_run(machine, 'echo "machine=$(uname -m)"; echo "system=$(uname -s)"'))
        _check_core(entry, machine)
        agent = _agent(entry, agents, system)
        return machine, shlex.quote(store_once(machine, agent))
    except BaseException:
        machine.close()
        raise


def _check_core(entry: Entry, machine: Machine) -> None:
    if entry.core is not None:
        try:
            machine.run(f"{pinned(entry.core)}true", "use its core", Deadline.after(COMMAND_SECONDS))
        except BuildError as error:
            why = f"its agent cannot be put on core {entry.core}: {error.observation}"
            raise BoardsFileError(f"{why}; name another `core`, or none", key="core") from error


def _run_for_entry(entry: Entry, machine: Machine, script: str) -> str:
    with errors_naming(entry):
        return _run(machine, script)


def _run(machine: Machine, script: str) -> str:
    return machine.run(script, "say what it is", Deadline.after(COMMAND_SECONDS))


def _agent(entry: Entry, agents: Mapping[str, str], system: Mapping[str, str]) -> bytes:
    """Return the bytes of the agent for what `uname` says of the machine and the system."""
    machine, kernel = (printable(system.get(key, "unknown")) for key in ("machine", "system"))
    if machine not in agents:
        there = f"there are agents for {' and '.join(agents)} only"
        raise SetupError(f"its system is for {machine}, but {there}; install a 64-bit system on it")
    if kernel != "Linux":
        raise SetupError(f"its system is {kernel}, but there are agents for Linux only; name another board")
    file = entry.agent or build.agent(agents[machine], board=entry.target)
    try:
        program = file.read_bytes()
    except OSError as error:
        raise BuildError(f"the agent {file} cannot be read: {error.strerror}; name another") from error
    made_for = _MACHINES.get(program[18:20], "another processor") if program[:4] == b"\x7fELF" else machine
    if made_for != machine:
        raise BuildError(
            f"{entry.agent} is built for {made_for}, but the board has {machine}; build it for {machine}"
        )
    return program


def _hello(entry: Entry, agent: Agent, transport: ShellTransport, machine: Machine) -> Hello:
    try:
        return agent.hello(Deadline.after(START_SECONDS))
    except LinkError as error:
        if (why := transport.why_not_run) is None:
            raise
        barred = f"{transport.name} cannot be run: {why}"
        raise BuildError(f"{barred}; {machine.barred_advice}", board=entry.name) from error
