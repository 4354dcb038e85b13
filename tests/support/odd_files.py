"""Make files that no program should read to their end: pipes, devices, folders, circles of links."""

import os
from collections.abc import Callable
from pathlib import Path

OddFile = Callable[[Path], Path]
"""Make a file in a fresh folder, and return its path."""


def _folder(at: Path) -> Path:
    return at


def _missing(at: Path) -> Path:
    return at / "missing"


def _pipe(at: Path) -> Path:
    os.mkfifo(at / "pipe")
    return at / "pipe"


def _endless(at: Path) -> Path:
    (at / "zeros").symlink_to("/dev/zero")
    return at / "zeros"


def _circle(at: Path) -> Path:
    (at / "circle").symlink_to("circle")
    return at / "circle"


def _below_a_file(at: Path) -> Path:
    (at / "file").touch()
    return at / "file" / "x"


ODD_FILES: dict[str, OddFile] = {
    "missing": _missing,
    "folder": _folder,
    "pipe": _pipe,
    "endless device": _endless,
    "circle of links": _circle,
    "below a file": _below_a_file,
    "long name": lambda at: at / ("x" * 300),
    "name with NUL": lambda at: at / "a\0b",
    "name with a surrogate": lambda at: at / "a\ud800",
}
