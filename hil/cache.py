"""Keep what is slow to make in the user's cache: agents, the cycle counter, emulated systems.

A file counts only if it has the sha256 that is kept beside it. Any other is made again, so a damaged or
emptied cache costs only time.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_cache_path

from hil.errors import BuildError
from hil.lifetime import folder
from reds.files import PARTIAL, atomic_file, ensure_writable, remove_partial_files, write_atomically

_DIGEST = ".sha256"


def cache_dir() -> Path:
    """Return the folder of the cache. Emptying it costs only time. Raises `BuildError` without a home."""
    try:
        return user_cache_path("reds-hil")
    except RuntimeError as error:
        homeless = "this user has no home folder to keep agents in"
        raise BuildError(f"{homeless}; set XDG_CACHE_HOME to a folder of yours") from error


def whole(path: Path, executable: bool = False) -> bool:
    """Return whether the cache has this file as it was written, and this user may read or execute it."""
    try:
        if not (path.is_file() and _digest_file(path).is_file()):  # a pipe would block its reader
            return False
        if executable and not os.access(path, os.X_OK):
            return False
        return _sha256(path).encode() == _digest_file(path).read_bytes()
    except OSError:
        return False


@contextmanager
def keeping(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a file of the cache for writing; it appears, whole, when the block ends without an error.

    Args:
        path: The file; its folder is made.
        mode: Permissions of the file.

    Raises:
        BuildError: The cache cannot be written.
    """
    prepare(path)
    try:
        with atomic_file(path) as file:
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            digest = _sha256(Path(file.name))
        write_atomically(_digest_file(path), digest.encode())
    except OSError as error:
        raise unwritable(path.parent, error) from error


def keep(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file of the cache, as `keeping` does. Raises `BuildError`."""
    with keeping(path, mode) as file:
        file.write(data)


def prepare(path: Path) -> None:
    """Make the folder of a file, and remove what is in the way; called before a long build.

    Raises:
        BuildError: The cache cannot be written.
    """
    try:
        if path.parent != cache_dir() and path.parent.exists() and not path.parent.is_dir():
            path.parent.unlink()
        ensure_writable(path.parent)
        for wrong in (path, _digest_file(path)):
            if wrong.is_dir() and not wrong.is_symlink():
                shutil.rmtree(wrong)
            elif not wrong.is_file():
                wrong.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path.parent, error) from error


def unwritable(where: Path, error: OSError) -> BuildError:
    """Return the error of a cache that cannot be written."""
    why = os.strerror(error.errno) if error.errno else str(error)
    failed = f"the cache cannot be written in {where}: {why}"
    return BuildError(f"{failed}; make room there, or set XDG_CACHE_HOME to a folder of yours")


def sweep() -> None:
    """Remove what killed runs of this user left in the cache and among temporary files."""
    folder.sweep(cache_dir())
    remove_partial_files(cache_dir().rglob(f"*{PARTIAL}"))
    with suppress(OSError):
        folder.sweep(Path(tempfile.gettempdir()))


def _sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_file(path: Path) -> Path:
    return path.with_name(f"{path.name}{_DIGEST}")
