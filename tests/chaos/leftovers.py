"""Find what a run leaves behind: processes by a mark in their environment, and files by a clean run's."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "REDS_CHAOS_RUN"
"""Environment variable that all processes of a run inherit; its value is the run's folder."""
_POLL_SECONDS = 0.01
_VARIABLE = re.compile(r"[0-9a-f]{16}")
"""A hash in a name of the cache: some depend on the place of the cache."""
_PYTEST_FOLDERS = "pytest-of-"
"""Pytest's own temporary folders, of which pytest keeps the last three."""


def living(folder: Path) -> dict[int, str]:
    """Return the living processes of a run by id, each with its command line.

    A process belongs to the run if its environment has the run's mark, or if it works in the run's folder.
    """
    mark = f"{MARK}={folder}".encode()
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):  # it ended meanwhile, or belongs to another user
            ours = mark in (process / "environ").read_bytes().split(b"\0")
            if ours or Path(os.readlink(process / "cwd")).is_relative_to(folder):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if words != [b""]:  # else it is a zombie
                    found[int(process.name)] = b" ".join(words).decode(errors="replace").strip()[:100]
    return found


def children(parent: int) -> list[int]:
    """Return the ids of a process's children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return sorted(found)


def wait_gone(folder: Path, most: float) -> tuple[float, dict[int, str]]:
    """Wait until no process of a run lives, and kill those that live on.

    Args:
        folder: The run's folder.
        most: Seconds to wait.

    Returns:
        The seconds until the last one ended, and the processes that were killed.
    """
    begun = time.monotonic()
    while (left := living(folder)) and time.monotonic() - begun < most:
        time.sleep(_POLL_SECONDS)
    waited = time.monotonic() - begun
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return waited, left


def mounts(folder: Path) -> list[Path]:
    """Return the file systems that are mounted in a folder, the innermost first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    decoded = (Path(point.encode().decode("unicode_escape")) for point in points)
    return sorted((point for point in decoded if point.is_relative_to(folder)), reverse=True)


def unmount(folder: Path) -> tuple[str, ...]:
    """Unmount what a run has mounted in its folder, so that it can be removed; return the violations."""
    found = mounts(folder)
    for point in found:
        subprocess.run(["umount", str(point)], capture_output=True, timeout=30, check=True)
    return tuple(f"left mounted: {point.relative_to(folder)}" for point in found)


def without_hashes(path: str) -> str:
    """Return a path of the cache that is the same wherever the cache is."""
    return _VARIABLE.sub("#", path)


def tree(folder: Path) -> set[str]:
    """Return the paths in a folder without hashes; of pytest's own temporary folders, none."""
    return {without_hashes(path) for path in _walk(folder, "")}


def _walk(folder: Path, above: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_PYTEST_FOLDERS) or entry.name == "__pycache__":
                continue
            path = f"{above}{entry.name}"
            yield path
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{path}/")
