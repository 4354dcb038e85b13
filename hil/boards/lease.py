"""Lease a real board: one process at a time uses it, among all users of this machine.

A device is identified by a USB serial number, a port or an address, not by its name in a boards file, so two
files or two runs cannot use one board at once. A lease is a file lock, which the kernel releases when its
owner ends. Emulated boards and the desktop need no lease: each run starts its own.
"""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from getpass import getuser
from pathlib import Path

from hil.errors import BoardBusy, LeaseError
from hil.transports.deadline import Deadline

_POLL_SECONDS = 0.1
_SHOWN = 100
"""Characters of the owner's text that are shown: anybody can write that file."""


def shared() -> Path:
    """Return the folder of the lock files, the same for all users and environments."""
    usual = Path("/run/lock")
    return usual if usual.is_dir() and usual.stat().st_mode & stat.S_IWOTH else Path("/tmp")


@contextmanager
def held(
    name: str, device: str, seconds: float, say: Callable[[str], None], folder: Path | None = None
) -> Iterator[None]:
    """Hold the lease of a device.

    Args:
        name: Name of the board, for errors.
        device: Identity of the device.
        seconds: How long to wait for another owner.
        say: Called once with the owner, if the lease is not free.
        folder: Folder of the lock file, None for the shared one.

    Raises:
        BoardBusy: The lease was not free in time.
        LeaseError: The lock file cannot be opened.
    """
    path = (folder or shared()) / f"reds-hil-{hashlib.sha256(device.encode()).hexdigest()[:16]}.lock"
    try:
        file = _open(path)
    except OSError as error:
        closed = f"cannot open {path} for its lease: {error.strerror}"
        raise LeaseError(f"{closed}; remove that file, or run as its owner", board=name) from error
    try:
        _wait(file, name, device, Deadline.after(seconds), say)
        os.ftruncate(file, 0)
        os.pwrite(file, _me().encode(), 0)
        yield
        os.ftruncate(file, 0)
    finally:
        os.close(file)


def _open(path: Path) -> int:
    """Open the lock file, or make it; never follow a link, since all users may write to its folder."""
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            pass
        try:
            made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            os.fchmod(made, 0o666)  # whatever the umask
            return made
        except FileExistsError:  # another process made it meanwhile
            pass


def _wait(file: int, name: str, device: str, deadline: Deadline, say: Callable[[str], None]) -> None:
    told = False
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(file)
            uses = f"{device} is in use by {owner}"
        if deadline.passed:
            waited = f"and was not free within {deadline.span:g} s"
            remedy = "end that run, or wait longer with --lease-wait"
            raise BoardBusy(f"{uses}, {waited}; {remedy}", owner=owner, board=name)
        if not told:
            say(f"{name}: {uses}; waiting up to {deadline.span:g} s")
            told = True
        time.sleep(min(_POLL_SECONDS, deadline.left))


def _owner(file: int) -> str:
    text = os.pread(file, _SHOWN, 0).decode(errors="replace")
    return "".join(c for c in text if c.isprintable()) or "another run"


def _me() -> str:
    try:
        user = getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        user = f"user {os.getuid()}"
    return f"{user}, process {os.getpid()}, since {datetime.now():%Y-%m-%d %H:%M:%S}"
