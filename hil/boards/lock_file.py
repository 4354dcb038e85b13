"""Open the lock file of a lease, in a folder where every user of this machine may put anything."""

import errno
import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hil.errors import LeaseError


@contextmanager
def open_errors(path: Path, board: str = "") -> Iterator[None]:
    """Raise `LeaseError` with a remedy where a lock file cannot be opened."""
    try:
        yield
    except OSError as error:
        closed = f"cannot open {path} for its lease: {error.strerror}"
        raise LeaseError(f"{closed}; remove it: sudo rm -r {shlex.quote(str(path))}", board=board) from error


def open_file(path: Path) -> int:
    """Open a lock file that exists. All users may write to its folder, so it may be anything.

    A link is not followed, and a pipe or a device is closed again without a wait.

    Raises:
        OSError: It cannot be opened, or is no regular file.
    """
    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return file


def open_or_make(path: Path) -> int:
    """Open the lock file, or make it with rights for all users. Raises `OSError`.

    O_CREAT is tried only where there is no file: Linux refuses it for the file of another user in a sticky
    folder (fs.protected_regular).
    """
    while True:
        with suppress(FileNotFoundError):
            return open_file(path)
        with suppress(FileExistsError):  # another process made it meanwhile
            made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            os.fchmod(made, 0o666)  # whatever the umask
            return made


def try_lock(file: int) -> bool:
    """Return whether the lock of an open file was free. Closing the file gives it back."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
