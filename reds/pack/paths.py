"""Check paths that users give, and say in one line why a file cannot be written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reds.errors import PackError
from reds.reading import reason, user_path
from reds.text import shown


def pack_path(path: object) -> Path:
    """Return a path, in which `~` is the home folder. Raises `PackError` if no file can have it."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(text, str):
        raise PackError(f"{shown(path)} is no path of a file: give one, as 'mine.reds'")
    try:
        return user_path(text)
    except ValueError as error:
        raise PackError(f"{shown(text)}: {error}: give another, as 'mine.reds'") from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `PackError` in place of an `OSError` while files are written at a path."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise PackError(f"{place}: cannot be written: {reason(error)}; name a file elsewhere") from error
