"""Check paths that users give, and say in one line why a file cannot be written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reds.errors import PackError
from reds.reading import reason
from reds.text import shown


def pack_path(path: object) -> Path:
    """Return a path as a `Path`. Raises `PackError` if no file can have it."""
    if not isinstance(path, str | os.PathLike) or not (text := os.fspath(path)):
        raise PackError(f"{shown(path)} is no path of a file: give one, as 'mine.reds'")
    if not isinstance(text, str) or "\0" in text:
        raise PackError(f"{shown(text)} can be the name of no file: give another, as 'mine.reds'")
    return Path(text)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `PackError` in place of an `OSError` while files are written at a path."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise PackError(f"{place}: cannot be written: {reason(error)}; name a file elsewhere") from error
