"""Find the processes that hold a lease, and end them.

A lock file names its owner, but anybody can write there. Here only the kernel is believed: a holder is a
process that has the lock file open and locked. Linux shows that in /proc.
"""

import os
import pwd
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hil.boards import lease, lock_file, process_table
from hil.errors import LeaseError
from reds.text import printable

TERMINATE_SECONDS, KILL_SECONDS = 5.0, 5.0
"""Seconds that a holder may take to end after SIGTERM, and after SIGKILL."""
_SHOWN = 120
"""Characters of a command line that are shown."""


@dataclass(frozen=True)
class Holder:
    """A process that holds a lease.

    Attributes:
        pid: Its process id.
        uid: The user it runs as, -1 if that is hidden.
        seen: Whether this user may see that it has the lock file open. Only such a process is ever ended.
    """

    pid: int
    uid: int
    seen: bool

    @property
    def user(self) -> str:
        """Return the name of its user, or the number of a user without a name."""
        if self.uid < 0:
            return "an unknown user"
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"user {self.uid}"

    @property
    def stopped(self) -> bool:
        """Return whether it is stopped, for example by Ctrl-Z."""
        return process_table.is_stopped(self.pid)

    @property
    def run(self) -> int | None:
        """Return the running pytest that started it as a worker, and may start another; None without one."""
        parent = process_table.parent_of(self.pid)
        ours = process_table.user_of(parent) == self.uid
        return parent if ours and "pytest" in process_table.command_line(parent) else None

    def __str__(self) -> str:
        started = process_table.start_of(self.pid)
        since = f", since {started:%Y-%m-%d %H:%M:%S}" if started else ""
        halted = ", stopped" if self.stopped else ""
        command = printable(process_table.command_line(self.run or self.pid), _SHOWN) or "an unknown command"
        return f"{self.user}, process {self.pid}{since}{halted}, which runs: {command}"


def holders(path: Path) -> list[Holder]:
    """Return the processes that hold the lock of this file.

    Several do if one has forked. The list is empty if the lease is free, or if its holder is not visible
    here, as in another container.
    """
    try:
        there = os.stat(path, follow_symlinks=False)
    except OSError:
        return []
    user = process_table.user_of
    seen = [Holder(pid, user(pid), True) for pid in process_table.all_pids() if _locks(pid, there)]
    return seen or [Holder(pid, user(pid), False) for pid in _locked_by(there)]


def in_use(path: Path) -> str | None:
    """Return who holds a lease, or None if it is free.

    The lock is tried only if the file names an owner that is not visible. It is given back at once.

    Raises:
        LeaseError: The lock file cannot be opened, or is no regular file.
    """
    if found := holders(path):
        return str(found[0])
    if not os.path.lexists(path):
        return None
    with lock_file.open_errors(path):
        file = lock_file.open_file(path)
    try:
        if os.fstat(file).st_size == 0 or lock_file.try_lock(file):
            return None
        return f"a process that is not visible here, in its own words: {lease.owner_text(file)}"
    finally:
        os.close(file)


def end(holder: Holder, path: Path, seconds: float = TERMINATE_SECONDS) -> str:
    """End a process that holds the lock of this file, and return the name of the signal that did it.

    Args:
        holder: The process.
        path: The lock file.
        seconds: Seconds that it may take to end after SIGTERM. Then it is killed.

    Raises:
        LeaseError: It may not be ended, or does not end.
    """
    try:
        handle = os.pidfd_open(holder.pid)
    except ProcessLookupError:
        return "itself"
    try:
        # Looked at after the handle was opened: a later process with the same number is never signalled.
        if not _locks(holder.pid, os.stat(path, follow_symlinks=False)):
            raise LeaseError(f"process {holder.pid} does not hold {path}; look again: hil release")
        return signalled(handle, holder.pid, seconds)
    except OSError as error:
        raise LeaseError(f"process {holder.pid} cannot be ended: {error.strerror}; ask its owner") from error
    finally:
        os.close(handle)


def signalled(handle: int, pid: int, seconds: float = TERMINATE_SECONDS) -> str:
    """End a process by signals, and return the name of the one that did it.

    Args:
        handle: A pidfd of the process.
        pid: Its number, for errors.
        seconds: Seconds that it may take to end after SIGTERM. Then it is killed.

    Raises:
        LeaseError: It may not be ended, or does not end.
    """
    try:
        for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, KILL_SECONDS)):
            signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], patience)[0]:
                return number.name
    except ProcessLookupError:
        return "itself"
    except OSError as error:
        raise LeaseError(f"process {pid} cannot be ended: {error.strerror}; ask its owner") from error
    raise LeaseError(f"process {pid} waits in the kernel and does not end; unplug its board")


def _locks(pid: int, there: os.stat_result) -> bool:
    """Return whether a process has this file open with its lock; False also if that is hidden from us."""
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                opened = os.stat(f"/proc/{pid}/fd/{name}")
                if (opened.st_dev, opened.st_ino) == (there.st_dev, there.st_ino):
                    about = Path(f"/proc/{pid}/fdinfo/{name}").read_text(encoding="ascii", errors="replace")
                    if any(row.startswith("lock:") and "FLOCK" in row for row in about.splitlines()):
                        return True
    return False


def _locked_by(there: os.stat_result) -> Iterator[int]:
    """Return the processes that took the lock of this file, as the kernel lists them for everybody."""
    file = f"{os.major(there.st_dev):02x}:{os.minor(there.st_dev):02x}:{there.st_ino}"
    with suppress(OSError):
        for row in Path("/proc/locks").read_text(encoding="ascii", errors="replace").splitlines():
            words = row.split()
            if words[1:2] == ["FLOCK"] and file in words and words[4].isdigit() and int(words[4]):
                yield int(words[4])
