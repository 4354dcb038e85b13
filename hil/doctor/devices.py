"""Find the boards that are plugged in, whether or not a boards file names them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from string import ascii_lowercase

from hil.boards import registry
from hil.boards.entry import Entry
from hil.boards.serial_board import SerialBoard
from hil.errors import SetupError
from hil.transports.adb import find, server
from hil.transports.adb.stream import LOST
from hil.transports.deadline import Deadline
from hil.transports.serial_ports import Port, ports_here, ports_matching

NO_ANDROID = "no Android device; enable USB debugging on it and plug it in"


@dataclass(frozen=True)
class Found:
    """A board that is plugged in, with its state in words.

    Attributes:
        entry: The board as a boards file would name it; None if its serial number cannot stand in one.
        state: What it is, where it is, and what to do if it is not ready.
    """

    entry: Entry | None
    state: str


def plugged_in() -> Iterator[Found]:
    """Return all boards that are plugged in; a line without an entry says why there are none of a kind."""
    finders: list[tuple[Callable[[], Iterable[Found]], str]] = [
        (partial(_here, board), missing(board)) for board in registry.serial_boards().values()
    ]
    for look, none in (*finders, (androids, NO_ANDROID)):
        try:
            yield from list(look()) or [Found(None, none)]
        except SetupError as error:
            yield Found(None, str(error))


def missing(board: SerialBoard) -> str:
    """Return that there is no such board, and what to try."""
    return f"no {board.model.name}; {board.model.missing}"


def _here(board: SerialBoard) -> Iterator[Found]:
    return on_ports(board, ports_here())


def on_ports(board: SerialBoard, ports: Iterable[Port]) -> Iterator[Found]:
    """Return the boards of a kind on these ports.

    A serial number that is odd or not unique is not used to name one.
    """
    model, target = board.model, board.target
    found = ports_matching(ports, model.ids, None)
    serials = [port.serial for port in found]
    for number, port in enumerate(found, 1):
        serial = port.serial or ""
        unique = serial and serial.isprintable() and serials.count(serial) == 1
        name = f"{model.nickname}-{number}"
        entry = Entry(name, target, serial=serial) if unique else Entry(name, target, port.device)
        known = f"serial number {serial}" if serial else "no serial number"
        state = f"{model.name} at {port.device}, {known}"
        if port.id in model.bootloader:
            state += ", in its bootloader: a bench uploads its agent, or press reset once to leave"
        yield Found(entry, state)


def androids() -> Iterator[Found]:
    """Return the Android devices of a running adb server, or else on USB; no server is started.

    Raises:
        SetupError: They cannot be listed, for example without libusb.
    """
    states = {name: state for name, state in _android_states().items() if not find.is_emulator(name)}
    for number, (serial, state) in enumerate(sorted(states.items()), 1):
        entry = Entry(f"phone-{number}", "android", serial=serial) if serial.isprintable() else None
        try:
            find.choose({serial: state}, serial, "USB or at the adb server")
            yield Found(entry, f"Android {serial}")
        except SetupError as error:
            yield Found(entry, f"Android {error.text}")


def not_among(entries: Collection[Entry]) -> list[Entry]:
    """Return the boards that are plugged in and meant by none of these entries, under names of their own."""
    known = {registry.target(entry.target).device(entry) for entry in entries}
    taken = {entry.name for entry in entries}
    new = []
    for entry in (found.entry for found in plugged_in() if found.entry):
        if registry.target(entry.target).device(entry) not in known:
            names = (entry.name, *(f"{entry.name}-{letter}" for letter in ascii_lowercase))
            new.append(replace(entry, name=next(name for name in names if name not in taken)))
    return new


def _android_states() -> Mapping[str, str]:
    running = server.address()
    if running.listens():
        try:
            return running.devices(Deadline.after(server.LOOK_SECONDS))
        except LOST as error:
            raise SetupError(f"{running} does not list its devices: {error}; run adb kill-server") from error
    from hil.transports.adb import usb

    return dict.fromkeys(usb.devices(), find.READY)
