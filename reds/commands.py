"""Show the expected errors of the commands `reds` and `hil` as one line, with exit status 1."""

import errno
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from click.exceptions import Exit

from reds import torchrun
from reds.errors import LostProcessError
from reds.reading import check_regular, reason, user_path
from reds.text import LINE, printable

EXTRAS = {
    **dict.fromkeys(("torch", "ortools", "PIL"), ("training", "train")),
    "matplotlib": ("the plot", "train"),
    "ray": ("--workers", "cluster"),
    "tensorflow": ("export", "tflite"),
    "ai_edge_litert": ("LiteRT", "tflite"),
    **dict.fromkeys(("cobs", "serial", "paramiko", "adb_shell", "usb1", "pytest"), ("a board", "hil")),
    **dict.fromkeys(("sqlalchemy", "alembic"), ("the store of runs", "hil")),
    "scipy": ("statistics", "hil"),
    "psycopg": ("PostgreSQL", "lab"),
    "pyjoulescope_driver": ("a Joulescope", "energy"),
    **dict.fromkeys(("vl_convert", "jinja2"), ("hil report", "report")),
    **dict.fromkeys(("capstone", "elftools"), ("an emulated board", "emulate")),
    **dict.fromkeys(("platformio", "SCons"), ("the agent of a Nano", "firmware")),
}
"""Packages that may be missing, each with what needs it and the extra that brings it."""


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """Return which extra to install, in one line; None if the missing module is no dependency."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    task, extra = EXTRAS[package]
    return f"{package} is missing: {task} needs `pip install 'reds-hil[{extra}]'`"


def uninstalled(extra: str) -> str | None:
    """Return which package of an extra is not installed, in one line with the remedy; None if all are."""
    for package, (_, of) in EXTRAS.items():
        if of == extra and find_spec(package) is None:
            return missing_extra(ModuleNotFoundError(name=package))
    return None


def file(text: str | Path) -> Path:
    """Return the path that an option or argument names; `~` is the user's home folder.

    Raises:
        BadParameter: No file can have this name.
    """
    try:
        return user_path(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def new_file(text: str | Path) -> Path:
    """Return the path of a file to write, in place of one that may be there.

    Raises:
        BadParameter: No file can have this name, or it is the name of a folder, a device or a pipe.
        ClickException: Its folder is not there.
    """
    path = file(text)
    try:
        check_regular(path)
    except FileNotFoundError:
        if not path.parent.is_dir():
            where = f"{printable(str(path))}: there is no folder {printable(str(path.parent))}"
            raise click.ClickException(f"{where}; name one in a folder that is there") from None
    except OSError as error:
        raise click.BadParameter(f"{printable(str(path))}: {reason(error)}; name another file") from None
    return path


_REMEDIES = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), "name one in a folder that is there"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room there, or name another place"),
}
"""Remedies of the operating system's errors on files; any other is `name another place`."""


def _of_system(error: OSError) -> str:
    """Return an error of the operating system with a remedy, unless its text has one."""
    if error.errno is None:
        return str(error)
    says = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    if error.strerror != os.strerror(error.errno):
        return says
    return f"{says}; {_REMEDIES.get(error.errno, 'name another place')}"


class Commands(click.Group):
    """A command group that shows an error of the types `expected` as one line."""

    def __init__(self, *args: Any, expected: tuple[type[Exception], ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._expected = expected

    def invoke(self, context: click.Context) -> object:
        """Run the command that was named. Of several processes of one training the first one tells errors."""
        try:
            return self._run(context)
        except click.ClickException as error:
            if torchrun.rank() == 0 or isinstance(error.__cause__, LostProcessError):
                raise
            raise Exit(error.exit_code) from error

    def _run(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except ModuleNotFoundError as error:
            if (advice := missing_extra(error)) is None:
                raise
            raise click.ClickException(advice) from error
        except BrokenPipeError:
            raise  # click ends in silence: who reads the output, as `head`, has enough of it
        except OSError as error:
            raise click.ClickException(printable(_of_system(error), LINE)) from error
        except self._expected as error:
            raise click.ClickException(str(error)) from error
