"""Make temporary folders that end with this process, and remove those of processes that ended otherwise.

The guard removes a folder whose process was killed. A lock held inside each folder says that its owner lives,
also to processes of other containers that share the folder's place. Sweeping removes the other folders.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from hil.errors import SetupError
from hil.lifetime.guard import order, tell

PREFIX = "reds-hil-tmp-"
LOCK = "lock"
"""Name of the file in each folder whose lock says that the folder's owner lives."""


class TemporaryFolder:
    """A new private folder, removed by `remove`, by leaving the `with` block, or when this process ends."""

    def __init__(
        self, purpose: str, within: Path | None = None, remedy: str = "set TMPDIR to a folder of yours"
    ) -> None:
        """Make the folder.

        Args:
            purpose: A word for its name.
            within: The folder to make it in; by default the one for temporary files.
            remedy: What to do if no folder can be made there.

        Raises:
            SetupError: The folder cannot be made.
        """
        parent = within
        try:
            parent = within or Path(tempfile.gettempdir())
            self.path, lock = _new(parent.absolute(), purpose)
        except OSError as error:
            failed = f"no temporary folder can be made in {parent or 'the usual places'}: {error.strerror}"
            raise SetupError(f"{failed}; make room there, or {remedy}") from error
        self._lock: int | None = lock

    def remove(self) -> None:
        """Remove the folder and all in it; a second call is harmless."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            _tell("-", self.path)
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def sweep(parent: Path) -> None:
    """Remove this user's temporary folders in `parent` whose owners have ended."""
    with suppress(OSError):
        for folder in parent.glob(f"{PREFIX}*"):
            with suppress(OSError):
                _remove_if_dead(folder)


def _new(parent: Path, purpose: str) -> tuple[Path, int]:
    while True:
        folder = parent / f"{PREFIX}{purpose}-{secrets.token_hex(4)}"
        _tell("+", folder)  # before it is made: a process killed now tells nobody
        try:
            folder.mkdir(0o700)
            lock = _locked(folder)
        except OSError:
            _tell("-", folder)
            raise
        if lock is not None:
            return folder, lock


def _locked(folder: Path) -> int | None:
    """Make the lock of a folder and take it; return None if a sweep took the new folder for a dead one."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        if folder.parent.exists():
            return None
        raise
    with suppress(OSError):  # a file system without locks: no sweep can take the folder for a dead one
        fcntl.flock(lock, fcntl.LOCK_EX)
    if (folder / LOCK).exists():
        return lock
    os.close(lock)
    return None


def _tell(sign: str, folder: Path) -> None:
    tell(order(sign, "folder", os.fsencode(folder).hex()))


def _remove_if_dead(folder: Path) -> None:
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return folder.rmdir()  # fails unless it is empty
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
