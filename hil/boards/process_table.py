"""Read about the processes of this machine from /proc. Without /proc, or the process, answers are empty."""

import os
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path


def all_pids() -> list[int]:
    """Return the ids of all processes that are visible here."""
    with suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return []


def user_of(pid: int) -> int:
    """Return the real user of a process, or -1 if it is hidden or has ended."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return next(int(row.split()[1]) for row in status.splitlines() if row.startswith("Uid:"))
    return -1


def command_line(pid: int) -> str:
    """Return the command of a process as one text, which may hold anything."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return " ".join(words).strip()
    return ""


def is_stopped(pid: int) -> bool:
    """Return whether a process is stopped, for example by Ctrl-Z."""
    return _field(pid, 0) == "T"


def lives(pid: int) -> bool:
    """Return whether a process has not ended, waited for or not."""
    return _field(pid, 0) not in ("", "Z", "X")


def is_hidden(pid: int) -> bool:
    """Return whether a process is there, although /proc hides it, as with its mount option hidepid."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return not _field(pid, 0)
    except (OSError, OverflowError):
        pass
    return False


def parent_of(pid: int) -> int:
    """Return the parent of a process, or 0 if it has ended."""
    return int(_field(pid, 1) or 0)


def start_of(pid: int) -> datetime | None:
    """Return when a process started, or None if it has ended."""
    if not (ticks := _field(pid, 19)):
        return None
    seconds_ago = time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK")
    return datetime.fromtimestamp(time.time() - seconds_ago)


def start_ticks(pid: int) -> int:
    """Return when a process started, in ticks since the machine did, or 0 if it has ended."""
    return int(_field(pid, 19) or 0)


def _field(pid: int, number: int) -> str:
    """Return a field of /proc/PID/stat; number 0 follows the command's name, which may hold anything."""
    with suppress(OSError, IndexError):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return text.rpartition(")")[2].split()[number]
    return ""
