"""Check the cache, the folder for temporary files, and their free space."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hil.cache import cache_dir
from hil.doctor.finding import Finding, fault, ok
from hil.doctor.machine import Machine, user
from hil.errors import BuildError
from reds.files import ensure_writable

CACHE_BYTES, TEMPORARY_BYTES = 400 << 20, 100 << 20
"""Room that the image of the emulated Pi and Android takes with its snapshots, and a build."""


def cache(machine: Machine) -> Iterator[Finding]:
    """Check that the cache can be used and belongs to this user."""
    if (folder := _cache()) is None:
        what = "this user has no home folder to keep agents in"
        yield fault("cache", True, what, "export XDG_CACHE_HOME=FOLDER, with a folder of yours")
        return
    try:
        ensure_writable(folder)
    except OSError as error:
        what = f"{folder} cannot be written: {os.strerror(error.errno or 0)}"
        yield fault("cache", True, what, "export XDG_CACHE_HOME=FOLDER, with a folder of yours")
        return
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        what = f"{folder} forbids programs (noexec), and agents run from it"
        yield fault("cache", True, what, "export XDG_CACHE_HOME=FOLDER, with a folder that allows them")
    size, foreign = _contents(folder)
    if foreign:
        what = f"{foreign} belongs to another user"
        yield fault("cache", False, what, f"sudo chown -R {user()} {shlex.quote(str(folder))}")
    else:
        yield ok("cache", f"{folder}, {_megabytes(size)}")


def space(machine: Machine) -> Iterator[Finding]:
    """Check that there is room in the cache and for temporary files."""
    for what, folder, least in (
        ("cache", _cache(), CACHE_BYTES),
        ("temporary files", temporary(), TEMPORARY_BYTES),
    ):
        if folder is None or (there := _existing(folder)) is None:
            continue  # another check reports that
        free, subject = shutil.disk_usage(there).free, f"room for {what}"
        if free < least:
            text = f"{_megabytes(free)} free in {folder}, {_megabytes(least)} are needed"
            yield fault(subject, True, text, f"make room in {folder}")
        else:
            yield ok(subject, f"{_megabytes(free)} free in {folder}")


def temporary_files(machine: Machine) -> Iterator[Finding]:
    """Check that temporary files can be written."""
    folder = temporary()
    if folder is None:
        what = "no folder takes temporary files"
        yield fault("temporary files", True, what, "export TMPDIR=FOLDER, with a folder of yours")
        return
    wanted = os.environ.get("TMPDIR", "")
    if wanted and folder.resolve() != Path(wanted).resolve():
        what = f"TMPDIR is {wanted}, which cannot be used; they go to {folder}"
        yield fault("temporary files", False, what, "unset TMPDIR")
    else:
        yield ok("temporary files", str(folder))


def temporary() -> Path | None:
    """Return the folder of temporary files, or None if none can be written."""
    with suppress(OSError):
        return Path(tempfile.gettempdir())
    return None


def _cache() -> Path | None:
    """Return the cache, or None for a user without a home folder."""
    with suppress(BuildError):
        return cache_dir()
    return None


def _contents(folder: Path) -> tuple[int, Path | None]:
    """Return the bytes in a folder, and the first file of another user in it."""
    size, foreign = 0, None
    for path in folder.rglob("*"):
        with suppress(OSError):
            about = path.lstat()
            size += about.st_blocks * 512
            if about.st_uid != os.getuid():
                foreign = foreign or path
    return size, foreign


def _existing(folder: Path) -> Path | None:
    return next((path for path in (folder, *folder.parents) if path.is_dir()), None)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
