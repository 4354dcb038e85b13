"""Lease a real board: one process at a time uses it, among all users of this machine.

A device is identified by a USB serial number, a port or an address, not by its name in a boards file, so two
files or two runs cannot use one board at once. A lease is a file lock, which the kernel releases when its
owner ends. Emulated boards and the desktop need no lease: each run starts its own.
"""

import fcntl
import hashlib
import os
import shlex
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from getpass import getuser
from pathlib import Path

from hil.boards import lock_file
from hil.errors import BoardBusy
from hil.transports.deadline import Deadline
from reds.text import printable

_POLL_SECONDS = 0.1
_PREFIX, _SUFFIX = "reds-hil-", ".lock"
_DIGITS = 16
"""Digits of a device's hash in the name of its lock file."""
_SHOWN = 100
"""Bytes and characters of the owner's text that are shown: anybody can write that file."""


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
        LeaseError: The lock file cannot be opened, or is no regular file.
    """
    path, deadline = path_of(device, folder), Deadline.after(seconds)
    with lock_file.open_errors(path, name):
        file = _locked(path, name, device, deadline, say)
    try:
        _write_owner(file, _me())
        yield
    finally:
        _write_owner(file, "")
        os.close(file)


def path_of(device: str, folder: Path | None = None) -> Path:
    """Return the lock file of a device, in the shared folder unless another is given."""
    digest = hashlib.sha256(device.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
    return (folder or shared()) / f"{_PREFIX}{digest}{_SUFFIX}"


def lock_files(folder: Path | None = None) -> list[Path]:
    """Return what lies at the names of lock files on this machine, whatever it is.

    Other names are left out: anybody can make files there, and `hil doctor` shows their names in commands.
    """
    return sorted((folder or shared()).glob(f"{_PREFIX}{'[0-9a-f]' * _DIGITS}{_SUFFIX}"))


def _locked(path: Path, name: str, device: str, deadline: Deadline, say: Callable[[str], None]) -> int:
    """Open and lock the file; open it again if it was removed meanwhile, since it would keep nobody out."""
    while True:
        file = lock_file.open_or_make(path)
        try:
            _wait(file, name, device, deadline, say)
            if os.fstat(file).st_nlink:
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _wait(file: int, name: str, device: str, deadline: Deadline, say: Callable[[str], None]) -> None:
    told = False
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = owner_text(file)
            uses = f"{printable(device)} is in use by {owner}"
        if deadline.passed:
            waited = f"and was not free within {deadline.span:g} s"
            remedy = f"end that run (hil release {shlex.quote(name)}), or wait longer with --lease-wait"
            raise BoardBusy(f"{uses}, {waited}; {remedy}", owner=owner, board=name)
        if not told:
            say(f"{name}: {uses}; waiting up to {deadline.span:g} s")
            told = True
        time.sleep(min(_POLL_SECONDS, deadline.left))


def _write_owner(file: int, text: str) -> None:
    """Write who holds the lease. A full disk is ignored: the lease holds without the text."""
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, text.encode(), 0)


def owner_text(file: int) -> str:
    """Return the text in the lock file. Anybody can write there, so it may be shown but not relied on."""
    return printable(os.pread(file, _SHOWN, 0).decode(errors="replace"), _SHOWN) or "another run"


def _me() -> str:
    try:
        user = getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        user = f"user {os.getuid()}"
    return f"{user}, process {os.getpid()}, since {datetime.now():%Y-%m-%d %H:%M:%S}"
