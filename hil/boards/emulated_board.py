"""Open a board that QEMU emulates on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hil.boards.board import START_SECONDS, Board
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Identity, Provenance
from hil.boards.greeting import EMULATED_SECONDS, greet
from hil.emulators.bare_board import BareBoard, Machine
from hil.errors import BoardsFileError, SetupError
from hil.firmware import build
from hil.firmware.bare_metal import BareMetal
from hil.transports.transport import Advice

_ADVICE = Advice(
    "the emulator has ended: run again",
    "run again while this machine has less to do, and check that its agent is for the emulated board",
)
_OF_HARDWARE = (
    "port",
    "serial",
    "host",
    "core",
    "governor",
    "max_celsius",
    "emulated",
    "via",
    "upload",
    "meter",
)


@contextmanager
def start(entry: Entry, firmware: BareMetal, machine: Machine) -> Iterator[Board]:
    """Open a board that exists only in QEMU.

    Args:
        entry: The board's entry in boards.toml; its own agent replaces the built one.
        firmware: The agent.
        machine: The machine.

    Raises:
        BoardsFileError: The entry has a key of other boards.
        BuildError: The agent does not build.
        EmulatorError: QEMU is missing or does not start.
        SetupError: The agent is built as another board.
    """
    for key in _OF_HARDWARE:
        if getattr(entry, key) not in (None, False, ()):
            misplaced = f"`{key}` is for hardware, and a {entry.target} is only emulated"
            raise BoardsFileError(f"{misplaced}; remove it", board=entry.name, key=key)
    if not entry.agent and firmware.board != entry.target:
        named = f"its agent is built as {firmware.board!r}, and its target is {entry.target!r}"
        raise SetupError(f"{named}; give both one name", board=entry.name)
    with opened(
        entry, lambda: BareBoard(entry.target, machine, entry.agent or build.agent(firmware))
    ) as board:
        yield board


@contextmanager
def opened(entry: Entry, emulate: Callable[[], BareBoard]) -> Iterator[Board]:
    """Open a board on an emulator.

    Args:
        entry: The board's entry in boards.toml.
        emulate: Starts the emulator.

    Raises:
        BuildError: The agent does not build.
        EmulatorError: QEMU is missing or does not start.
    """
    with errors_naming(entry):
        emulator = emulate()
    with emulator:
        with errors_naming(entry):
            transport = emulator.open(_ADVICE)
        agent, hello = greet(entry, transport, START_SECONDS, None, EMULATED_SECONDS)
        with agent:
            identity = Identity(emulator=emulator.version)
            yield Board(entry, Provenance.EMULATED, agent, hello, None, identity)
