"""Open a Raspberry Pi, or another Linux machine of its kind, over SSH; or an emulated one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hil.boards import shell_board
from hil.boards.board import Board
from hil.boards.entry import Entry, errors_naming
from hil.boards.facts import Provenance
from hil.boards.speed import Speed
from hil.emulators import arm64
from hil.errors import BoardAbsent, BoardsFileError, LinkError, SetupError
from hil.firmware import build
from hil.transports.deadline import Deadline
from hil.transports.host import Host, address, open_tcp

if TYPE_CHECKING:
    from hil.transports.ssh.machine import SshMachine

HAS_EMULATOR = True
SPEED = Speed(75e6, 12.0, 1, build.EMULATED_LINUX)
QEMU = "linux,dummy-virt"
"""Model name of QEMU's `virt` machine."""
REACH_SECONDS, LOGIN_SECONDS, EMULATED_LOGIN_SECONDS = 4.0, 15.0, 60.0
"""Deadlines of the first answer and of a login; an emulator shares its machine with other work."""


def absent(entry: Entry) -> str | None:
    """Return why no board listens at the entry's host, or at `via` if it has one, or None; nobody logs in."""
    if entry.host is None:
        return "its entry names no host; add `host` and `user` in a boards file"
    try:
        open_tcp(entry.via or entry.host, Deadline.after(REACH_SECONDS)).close()
    except LinkError as error:
        return str(error)
    return f"an emulator is at {entry.host}, not a board" if entry.emulated else None


def device(entry: Entry) -> str | None:
    """Return the address that SSH listens on, the same for all names of the host.

    A host behind `via` has its name there, and the address of `via`.
    """
    if entry.host is None:
        return None
    found = address(entry.via or entry.host, Deadline.after(REACH_SECONDS))
    return f"{entry.host.name}:{entry.host.port} through {found}" if entry.via and found else found


@contextmanager
def start(entry: Entry, provenance: Provenance) -> Iterator[Board]:
    """Log in and run the agent.

    Raises `HostKeyError` or `LoginError` if one side does not trust the other, and the errors of
    `shell_board.start`.
    """
    for key in ("port", "serial", "upload", *(() if entry.host else ("emulated",))):
        if getattr(entry, key):
            misplaced = f"`{key}` is for a board on a port, not a pi"
            raise BoardsFileError(f"{misplaced}; remove it", board=entry.name, key=key)
    if provenance is Provenance.HARDWARE:
        host = entry.host
        if host is None:
            raise BoardAbsent(str(absent(entry)), board=entry.name)
        with shell_board.start(entry, provenance, build.LINUX, lambda: _real(host, entry.via)) as board:
            yield board
        return
    if entry.emulated and entry.host:
        there, agents = entry.host, {"aarch64": build.EMULATED_LINUX}
        with shell_board.start(
            entry, provenance, agents, lambda: _emulated(there, entry.via), f"{QEMU} on the network"
        ) as board:
            yield board
        return
    with errors_naming(entry):
        emulator = arm64.start("pi")
    with emulator:
        here = Host("127.0.0.1", emulator.port, "pi", emulator.image.key, emulator.image.host_key)
        agents = {"aarch64": build.EMULATED_LINUX}
        with shell_board.start(
            entry, provenance, agents, lambda: _log_in(here, EMULATED_LOGIN_SECONDS), emulator.version
        ) as board:
            yield board


def _real(host: Host, via: Host | None) -> "SshMachine":
    """Log in and refuse an emulated machine: its counts must not pass for the times of a board."""
    advice = "is an emulated machine; name another, or add --emulate"
    return _checked(_log_in(host, LOGIN_SECONDS, via), False, advice)


def _emulated(host: Host, via: Host | None) -> "SshMachine":
    """Log in to the emulated machine of another computer, and refuse a real one."""
    advice = "is no emulated machine; remove `emulated`, or the tag provenance=emulated of its place"
    return _checked(_log_in(host, EMULATED_LOGIN_SECONDS, via), True, advice)


def _checked(remote: "SshMachine", emulated: bool, advice: str) -> "SshMachine":
    """Return a login to a machine that is as wanted, emulated or not; else raise `SetupError`."""
    try:
        ask = 'tr -d "\\000" 2>/dev/null </proc/device-tree/model; true'
        said = remote.run(ask, "say what it is", Deadline.after(shell_board.COMMAND_SECONDS)).strip()
        if (said == QEMU) != emulated:
            raise SetupError(f"{remote.name} {advice}")
    except BaseException:
        remote.close()
        raise
    return remote


def _log_in(host: Host, seconds: float, via: Host | None = None) -> "SshMachine":
    from hil.transports.ssh.machine import SshMachine  # imported here: it is slow, and most runs need none

    return SshMachine(host, Deadline.after(seconds), via)
