"""Describe the machine that is examined: its files, its user and its boards file."""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.boards.entry import Entry


def _may_open(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Machine:
    """The machine that is examined.

    Attributes:
        boards: Boards file, None for the shipped one.
        root: Folder that stands for / in paths of the system.
        may_open: Tells whether this user may read and write a device.
    """

    boards: Path | None = None
    root: Path = Path("/")
    may_open: Callable[[Path], bool] = field(default=_may_open)

    def path(self, absolute: str) -> Path:
        """Return a path of the system, below `root`."""
        return self.root / absolute.lstrip("/")

    def glob(self, pattern: str) -> Iterator[Path]:
        """Return the paths of the system that match an absolute pattern, sorted."""
        return iter(sorted(self.root.glob(pattern.lstrip("/"))))

    def text(self, path: Path) -> str:
        """Return the first line of a small file of the kernel, or an empty text if it cannot be read."""
        with suppress(OSError), path.open("rb") as file:
            return file.read(4096).decode(errors="replace").partition("\n")[0].strip()
        return ""

    def running(self, program: str) -> bool:
        """Return whether a process of this name runs."""
        return any(self.text(comm) == program for comm in self.glob("/proc/[0-9]*/comm"))

    def entries(self) -> "tuple[Entry, ...]":
        """Return the boards of the boards file, or none if it cannot be read: another check reports that."""
        from hil.errors import HilError

        with suppress(HilError, ImportError):
            from hil.boards import boards_toml

            return boards_toml.load(self.boards or boards_toml.shipped())
        return ()


def user() -> str:
    """Return the name of the user for commands."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
