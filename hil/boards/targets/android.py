"""An Android device over ADB: on an adb server, on USB or on the network; or an emulated one.

That is a virtual machine of ours, or, where an entry names one by its serial number, Android's own emulator.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from hil.boards import shell_board
from hil.boards.board import Board
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Provenance
from hil.emulators import arm64
from hil.errors import BoardsFileError, LinkError, SetupError
from hil.firmware import build
from hil.transports.adb import find
from hil.transports.adb.device import Device
from hil.transports.deadline import Deadline
from hil.transports.host import Host, address, reach

HAS_EMULATOR = True
REACH_SECONDS, LOGIN_SECONDS = 4.0, 20.0
"""What the first answer may take, and logging in with somebody who allows it on the device's screen."""
_OTHERS = "`user` and `host_key` are for SSH, and `serial` is for a device on USB or on an adb server"


def absent(entry: Entry) -> str | None:
    """Why there is no such device on an adb server, on USB or on the network, or None; nobody logs in."""
    try:
        if entry.host is None:
            find.plugged_in(entry.serial, entry.key)
            if find.is_emulator(entry.serial):
                return f"{entry.serial} is an emulator, no device; name another"
        else:
            reach(entry.host, Deadline.after(REACH_SECONDS)).close()
    except (SetupError, LinkError) as error:
        return str(error)
    return None


def device(entry: Entry) -> str | None:
    """Its serial number or address; those of one that an adb server reaches over the network are the same."""
    if entry.host:
        return address(entry.host, Deadline.after(REACH_SECONDS))
    try:
        return find.plugged_in(entry.serial, entry.key)[0]
    except SetupError:
        return None


@contextmanager
def start(entry: Entry, provenance: Provenance) -> Iterator[Board]:
    """Log in and run the agent. Raises `BoardAbsent`, `LoginError`, and as `shell_board.start`."""
    if entry.port:
        what = "`port` without a host is for a board on a serial port, not an android"
        raise BoardsFileError(f"{entry.name}: {what}; remove it")
    if entry.host and (entry.host.user or entry.host.host_key or entry.serial):
        raise BoardsFileError(f"{entry.name}: {_OTHERS}; remove them, or `host`")
    if provenance is Provenance.HARDWARE:
        with shell_board.start(entry, provenance, build.LINUX, lambda: _real(entry)) as board:
            yield board
        return
    if find.is_emulator(entry.serial):
        with shell_board.start(entry, provenance, build.AVD, lambda: _log_in(_named(entry))) as board:
            yield board
        return
    with errors_naming(entry):
        emulator = arm64.start("android")
    with emulator:
        here = Host("127.0.0.1", emulator.port)
        agents = {"aarch64": build.EMULATED_LINUX}
        with shell_board.start(entry, provenance, agents, lambda: _log_in(find.on_network(here))) as board:
            yield board


def _named(entry: Entry) -> find.Open:
    return find.on_network(entry.host) if entry.host else find.plugged_in(entry.serial, entry.key)[1]


def _log_in(open_: find.Open) -> Device:
    return Device(open_(Deadline.after(LOGIN_SECONDS)))


def _real(entry: Entry) -> Device:
    """The device, if it is one: figures of an emulator must not pass for a device's."""
    device = _log_in(_named(entry))
    try:
        asked = "getprop ro.boot.qemu; getprop ro.kernel.qemu"
        said = device.run(asked, "say what it runs on", Deadline.after(shell_board.COMMAND_SECONDS))
        if "1" in said.split():
            raise SetupError(f"{device.name} is an emulator, no device; name another, or add --emulate")
    except BaseException:
        device.close()
        raise
    return device
