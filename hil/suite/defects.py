"""Describe in one line a failure of the suite, or a defect in this project or in a library."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2]
_PACKAGES = (_FOLDER / "hil", _FOLDER / "reds")
_SUITE = Path(__file__).resolve().parent
_PASSED = Path(__file__).with_name("reporting.py")
"""The module whose hooks every exception of a test passes through."""


def tracebacks_wanted(config: pytest.Config) -> bool:
    """Return whether the user chose a style of tracebacks, such as --tb=long."""
    return bool(config.getoption("tbstyle") != "auto")


def one_line(test: pytest.Item, error: BaseException) -> str | None:
    """Return a line for a failure of the suite and for an exception out of this project's code, else None.

    A failure of a user's test is shown as pytest shows it, with its source.
    """
    if tracebacks_wanted(test.config) or not isinstance(error, Exception):
        return None
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, AssertionError) and files[-1:] == [test.path] and test.path.parent == _SUITE:
        return str(error).partition("\n")[0]  # below it pytest repeats the values that were compared
    called = files[len(files) - files[::-1].index(test.path) :] if test.path in files else files
    return described(error) if any(_is_ours(file) for file in called) else None


def described(error: Exception) -> str:
    """Return a line for an exception, with the last place in this project that it came through."""
    from reds.text import printable  # imported here: the plugin is loaded in every project

    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    places = [f" at {file.relative_to(_FOLDER)}:{line}" for file, line in frames if _is_ours(file)]
    what = printable(f"{type(error).__name__}: {error}", 500)
    where = "".join(places[-1:])
    return f"a defect of reds-hil{where}: {what}; run again with --tb=long and report what it shows"


def _is_ours(file: Path) -> bool:
    return file != _PASSED and any(file.is_relative_to(package) for package in _PACKAGES)
