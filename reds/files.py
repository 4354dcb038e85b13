"""Write files atomically: beside their place, then moved there in one step, so that no reader sees a part."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write; it replaces `path` when the block ends without an error.

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
    """Make a folder and check that a file can be written in it, before a long training. Raises `OSError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"is no folder that can be written ({error.strerror}): name another"
        raise type(error)(error.errno, text, str(folder)) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file completely or not at all. Raises `OSError`."""
    with whole(path) as file:
        file.write(data)
