"""Write files atomically, so that another process that reads one never finds half of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` when the block ends without an error.

    After an error `path` is as it was. If two processes write one path at once, the later one wins.

    Raises:
        OSError: The file cannot be written.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            partial.unlink()


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
