"""Write files atomically, so that another process that reads one never finds half of it."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

PARTIAL = ".partial"
"""Suffix of a file that is being written. Its writer holds a lock on it."""


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` when the block ends without an error.

    After an error `path` is as it was. After a crash of the machine `path` is old or new, never damaged. If
    two writers write one path at once, the later one wins. What killed writers of `path` left is removed.
    A device or a pipe, such as `/dev/null`, is written to and not replaced.

    Raises:
        OSError: The file cannot be written.
    """
    special = path.is_char_device() or path.is_block_device() or path.is_fifo()
    try:
        with _device(path) if special else _replacing(path) as file:
            yield file
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from error


def _device(path: Path) -> BinaryIO:
    """Open a device or a pipe for writing; a pipe that nobody reads is an error, and no wait."""
    file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.set_blocking(file, True)
    return os.fdopen(file, "wb")


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    remove_partial_files(path.parent.glob(f"*{PARTIAL}"), path.name)
    partial = None
    try:
        with _new_partial(path) as file:
            partial = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(partial, path)
        _sync_folder(path.parent)
    finally:
        if partial is not None:
            with suppress(OSError):
                partial.unlink()


def remove_partial_files(found: Iterable[Path], of: str = "") -> None:
    """Remove those partial files of this user whose writers were killed; others stay.

    Args:
        found: Partial files.
        of: Name of the file that they would have become; empty for every file.
    """
    with suppress(OSError):
        for partial in found:
            if partial.name.startswith(f"{of}.") or not of:
                _remove_if_dead(partial)


def _remove_if_dead(partial: Path) -> None:
    with suppress(OSError):
        found = partial.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            return
        file = os.open(partial, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a living writer holds it
            partial.unlink()
        finally:
            os.close(file)


def _new_partial(path: Path) -> BinaryIO:
    """Open and lock a new partial file; the lock says that its writer lives."""
    while True:
        partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PARTIAL}")
        file = partial.open("x+b")
        with suppress(OSError):  # a file system without locks: nobody can take the file for a dead one
            fcntl.flock(file, fcntl.LOCK_EX)
        if partial.exists():  # else it was taken for a dead one before it was locked
            return file
        file.close()


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the file system can."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def ensure_writable(folder: Path) -> None:
    """Make a folder and test that files can be written there: better now than after a long training.

    Raises:
        OSError: The folder cannot be made, or no file can be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"is not a writable folder ({error.strerror}): name another"
        raise type(error)(error.errno, problem, str(folder)) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file completely or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    with atomic_file(path) as file:
        file.write(data)
