"""Exclusive use of a real board: a lock of the kernel's for each device, shared by all users of this machine.

A device is known by what makes it one (a USB serial number, a port, an address), not by its name in a boards
file, so that two files or two runs cannot use one board at once. The kernel ends a lease with its owner's
process, however that ends. Emulated boards and the desktop need none: each run starts its own.
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
"""Characters of what an owner wrote: anybody can write there."""


def shared() -> Path:
    """The folder where all users may lock. It is the same whoever asks: the environment does not count."""
    usual = Path("/run/lock")
    return usual if usual.is_dir() and usual.stat().st_mode & stat.S_IWOTH else Path("/tmp")


@contextmanager
def held(
    name: str, device: str, seconds: float, say: Callable[[str], None], folder: Path | None = None
) -> Iterator[None]:
    """Hold the lease of `device`, which errors call `name`; `say` is told who has it, if that is another.

    Raises `BoardBusy` if it is not free within `seconds`, `LeaseError` if nothing can be locked there.
    """
    path = (folder or shared()) / f"reds-hil-{hashlib.sha256(device.encode()).hexdigest()[:16]}.lock"
    try:
        file = _open(path)
    except OSError as error:
        what = f"{name}: cannot lock its use in {path}: {error.strerror}"
        raise LeaseError(f"{what}; remove that file, or run as its owner") from error
    try:
        _wait(file, name, device, Deadline.after(seconds), say)
        os.ftruncate(file, 0)
        os.pwrite(file, _me().encode(), 0)
        yield
        os.ftruncate(file, 0)
    finally:
        os.close(file)


def _open(path: Path) -> int:
    """The file of a lock, made if need be. Where all may write, only a new file can be made, and no link."""
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            pass
        try:
            made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            os.fchmod(made, 0o666)  # whatever the umask
            return made
        except FileExistsError:  # another was quicker
            pass


def _wait(file: int, name: str, device: str, deadline: Deadline, say: Callable[[str], None]) -> None:
    told = False
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            uses = f"{name}: {device} is in use by {_owner(file)}"
        if deadline.passed:
            waited = f"and was not free within {deadline.span:g} s"
            raise BoardBusy(f"{uses}, {waited}; end that run, or wait longer with --lease-wait")
        if not told:
            say(f"{uses}; waiting up to {deadline.span:g} s")
            told = True
        time.sleep(min(_POLL_SECONDS, deadline.left))


def _owner(file: int) -> str:
    text = os.pread(file, _SHOWN, 0).decode(errors="replace")
    return "".join(c for c in text if c.isprintable()) or "another run"


def _me() -> str:
    try:
        user = getuser()
    except (OSError, KeyError):  # one without a name, as in containers
        user = f"user {os.getuid()}"
    return f"{user}, process {os.getpid()}, since {datetime.now():%Y-%m-%d %H:%M:%S}"
