"""Read files that others wrote: regular files of a bounded size, and JSON and TOML without surprises.

Python's parsers take some texts that no file of ours holds, and raise errors of many kinds on others. Here
every text is either a value, or a `ValueError` that says why not in one line.
"""

import codecs
import errno
import json
import math
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from reds.text import printable

TEXT_BYTES = 1 << 24
"""Most bytes of a card, a table of times or any text without a bound of its own."""
_TOML_BYTES, _TOML_DOTS = 1 << 18, 300
"""Most bytes of a TOML text, and most dots in a line of it: a key of many parts takes tomllib very long."""
_WHOLE = 2**63
"""Whole numbers of TOML, and those that every reader of JSON keeps exactly, have a sign and 63 bits."""


def user_path(text: str | Path) -> Path:
    """Return a path as a user means it: `~` and `~name` at its start become a home folder.

    Raises:
        ValueError: There is no such user, or no file can have this name.
    """
    try:
        path = Path(text).expanduser()
        os.fsencode(path)
    except RuntimeError:
        user = printable(str(text).partition("/")[0])
        raise ValueError(f"no user {user} has a home folder here; write the whole path") from None
    except UnicodeEncodeError:
        raise ValueError(f"no file can have the name {printable(str(text))}") from None
    if not str(text) or "\0" in str(path):
        raise ValueError(f"no file can have the name {printable(str(text))!r}")
    return path


def names_a_file(name: object, most: int) -> bool:
    """Return whether a value is a printable text of 1 to `most` bytes that is the name of a file."""
    if not isinstance(name, str) or not name.isprintable():
        return False
    return 0 < len(name.encode()) <= most and name == Path(name).name != ".."


def read_regular(path: Path, most: int = TEXT_BYTES) -> bytes:
    """Return the bytes of a regular file. A pipe or a device is refused, since reading one may never end.

    Args:
        path: The file.
        most: Most bytes that it may hold.

    Raises:
        OSError: The file is missing, is no regular file, is too large, or cannot be read. `strerror` says
            which.
    """
    try:
        check_regular(path)
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            larger = os.fstat(file.fileno()).st_size > most
            data = b"" if larger else file.read()  # given a number, it takes so much memory first
    except ValueError:  # of the operating system's functions, about the name
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from None
    if larger or len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
    return data


def check_regular(path: Path) -> None:
    """Raise `OSError` if a file exists but is no regular one, or if it cannot be looked at."""
    try:
        mode = path.stat().st_mode
    except ValueError:
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def reason(error: Exception) -> str:
    """Return in one line why a file cannot be read or parsed, without its name."""
    says = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(" ".join(says.split()))


def text_of(data: bytes) -> str:
    """Return a text in UTF-8, without the byte order mark that it may begin with.

    Raises:
        ValueError: The bytes are no UTF-8; the error says what they are and how to save them.
    """
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise ValueError("it is UTF-16, as PowerShell writes, not UTF-8; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"line {line} is not UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8"
        ) from None
    if "\0" in text:
        line = data.count(b"\n", 0, data.index(0)) + 1
        raise ValueError(f"line {line} holds a zero byte, as no UTF-8 text does; save it as text in UTF-8")
    return text


def parse_json(data: bytes) -> Any:
    """Return the value of a JSON text in UTF-8, with or without a byte order mark.

    Raises:
        ValueError: The bytes are no JSON, name a key twice, nest too deeply, or hold a number that is not
            finite or has more than 64 bits.
    """
    try:
        return json.loads(
            text_of(data),
            object_pairs_hook=_without_doubles,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except RecursionError:
        raise ValueError("it nests too deeply") from None


def parse_toml_table(data: bytes) -> dict[str, Any]:
    """Return the top level of a TOML text in UTF-8, with or without a byte order mark.

    Raises:
        ValueError: The bytes are no TOML, are too many, nest too deeply, or hold a whole number of more than
            64 bits.
    """
    if len(data) > _TOML_BYTES:
        raise ValueError(f"it is larger than {_TOML_BYTES:,} bytes")
    if max(line.count(b".") for line in data.split(b"\n")) > _TOML_DOTS:
        raise ValueError(f"a line has more than {_TOML_DOTS} dots")
    try:
        table = tomllib.loads(text_of(data))
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    for value in _all_values(table):
        if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
            raise ValueError("a whole number has more than 64 bits")
    return table


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {printable(key)!r} is there twice")
        found[key] = value
    return found


def _whole(text: str) -> int:
    if len(text) > 20 or not -_WHOLE <= int(text) < _WHOLE:
        raise ValueError("a whole number has more than 64 bits")
    return int(text)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{printable(text, 20)} is not a finite number")
    return number


def _all_values(table: dict[str, Any]) -> Iterator[Any]:
    """Yield every value in a table and in the tables and lists below it."""
    waiting: list[Iterable[Any]] = [table.values()]
    while waiting:
        for value in waiting.pop():
            yield value
            if isinstance(value, dict):
                waiting.append(value.values())
            elif isinstance(value, list):
                waiting.append(value)
