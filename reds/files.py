"""Files that others may read at any time: written beside their place, then moved there in one step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that becomes `path` where the block ends well; else `path` stays as it was.

    Two processes may write the same path at once: the later one wins. Raises `OSError`.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        if error.filename == str(partial):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            partial.unlink()


def writable(folder: Path) -> None:
    """Make a folder; fails now, not after a training, if no file can be written there. Raises `OSError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        says = f"is no folder that can be written ({error.strerror}): name another"
        raise type(error)(error.errno, says, str(folder)) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises `OSError`."""
    with whole(path) as file:
        file.write(data)
