"""Open an Android device over ADB: at an adb server here or there, on USB, on the network, or emulated.

The emulated device is a virtual machine of this package. If an entry names one of Android's own emulators by
its serial number, that is used instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from hil.boards import shell_board
from hil.boards.board import Board
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Provenance
from hil.boards.speed import Speed
from hil.emulators import arm64
from hil.errors import BoardsFileError, LinkError, SetupError
from hil.firmware import build
from hil.transports.adb import find
from hil.transports.adb.device import Device
from hil.transports.deadline import Deadline
from hil.transports.host import Host, address, open_tcp

HAS_EMULATOR = True
SPEED = Speed(75e6, 12.0, 1, build.EMULATED_LINUX)
AVD = "Android Emulator"
"""Name of Android's own emulator, which does not say its version over ADB."""
REACH_SECONDS, LOGIN_SECONDS = 4.0, 20.0
"""Deadlines of the first answer, and of a login that somebody allows on the device's screen."""
_OTHERS = "`user` and `host_key` are for SSH, and `serial` is for a device on USB or on an adb server"


def absent(entry: Entry) -> str | None:
    """Return why no such device is at an adb server, on USB or on the network, or None; nobody logs in.

    Of a device of another machine only that machine is looked for.
    """
    try:
        if entry.via is not None:
            open_tcp(entry.via, Deadline.after(REACH_SECONDS)).close()
        elif entry.host is None:
            find.find_connected(entry.serial, entry.key)
            if find.is_emulator(entry.serial):
                return f"{entry.serial} is an emulator, not a device; name another"
        else:
            open_tcp(entry.host, Deadline.after(REACH_SECONDS)).close()
    except (SetupError, LinkError) as error:
        return str(error)
    return None


def device(entry: Entry) -> str | None:
    """Return its serial number or address, also of a device on the network that an adb server has."""
    if entry.via:
        return entry.serial
    if entry.host:
        return address(entry.host, Deadline.after(REACH_SECONDS))
    try:
        return find.find_connected(entry.serial, entry.key)[0]
    except SetupError:
        return None


@contextmanager
def start(entry: Entry, provenance: Provenance) -> Iterator[Board]:
    """Log in and run the agent. Raises `BoardAbsent`, `LoginError`, and the errors of `shell_board.start`."""
    for key in ("port", "emulated", "upload"):
        if getattr(entry, key):
            serial = f"`{key}` without a host is for a board on a serial port, not an android"
            raise BoardsFileError(f"{serial}; remove it", board=entry.name, key=key)
    if entry.via and (entry.host or entry.key or not entry.serial):
        needs = "an android of another machine has its `serial` on the adb server there"
        remedy = "write `serial`, without `host` and `key`, or remove `via`"
        raise BoardsFileError(f"{needs}; {remedy}", board=entry.name, key="via")
    if entry.host and (entry.host.user or entry.host.host_key or entry.serial):
        raise BoardsFileError(f"{_OTHERS}; remove them, or `host`", board=entry.name, key="host")
    if provenance is Provenance.HARDWARE:
        with shell_board.start(entry, provenance, build.LINUX, lambda: _real(entry)) as board:
            yield board
        return
    if find.is_emulator(entry.serial):
        with shell_board.start(entry, provenance, build.AVD, lambda: _log_in(_named(entry)), AVD) as board:
            yield board
        return
    with errors_naming(entry):
        emulator = arm64.start("android")
    with emulator:
        here = Host("127.0.0.1", emulator.port)
        agents = {"aarch64": build.EMULATED_LINUX}
        with shell_board.start(
            entry, provenance, agents, lambda: _log_in(find.on_network(here)), emulator.version
        ) as board:
            yield board


def _named(entry: Entry) -> find.Open:
    if entry.via and entry.serial:
        return find.on_machine(entry.via, entry.serial)
    return find.on_network(entry.host) if entry.host else find.find_connected(entry.serial, entry.key)[1]


def _log_in(open_: find.Open) -> Device:
    return Device(open_(Deadline.after(LOGIN_SECONDS)))


def _real(entry: Entry) -> Device:
    """Log in and refuse an emulator: its figures must not pass for those of a device."""
    device = _log_in(_named(entry))
    try:
        asked = "getprop ro.boot.qemu; getprop ro.kernel.qemu"
        said = device.run(asked, "say what it runs on", Deadline.after(shell_board.COMMAND_SECONDS))
        if "1" in said.split():
            raise SetupError(f"{device.name} is an emulator, not a device; name another, or add --emulate")
    except BaseException:
        device.close()
        raise
    return device
