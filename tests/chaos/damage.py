"""Damage a file or a folder, as a full disk, a kill, another user or a mistake leaves it."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path, random.Random], None]
_NOBODY = 65534


def emptied(path: Path, rng: random.Random) -> None:
    """Leave a file without bytes."""
    path.write_bytes(b"")


def truncated(path: Path, rng: random.Random) -> None:
    """Cut a file short."""
    os.truncate(path, rng.randrange(max(1, path.stat().st_size)))


def flipped(path: Path, rng: random.Random) -> None:
    """Flip a bit of a file."""
    data = bytearray(path.read_bytes() or b"\0")
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def padded(path: Path, rng: random.Random) -> None:
    """Append bytes to a file."""
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.randint(1, 5000)))


def exchanged(path: Path, rng: random.Random) -> None:
    """Give a file the bytes of the one beside it, or noise."""
    others = sorted(other for other in path.parent.rglob("*") if other.is_file() and other != path)
    path.write_bytes(rng.choice(others).read_bytes() if others else rng.randbytes(1000))


def not_executable(path: Path, rng: random.Random) -> None:
    """Take away that a file can be run."""
    path.chmod(0o644)


def folder_instead(path: Path, rng: random.Random) -> None:
    """Replace a file by a folder that holds a file."""
    path.unlink()
    path.mkdir()
    (path / "file").write_text("left\n")


def file_instead(path: Path, rng: random.Random) -> None:
    """Replace a folder by a file."""
    shutil.rmtree(path)
    path.write_text("not a folder\n")


def pipe_instead(path: Path, rng: random.Random) -> None:
    """Replace a file by a named pipe that nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def looping_link(path: Path, rng: random.Random) -> None:
    """Replace a file by a link to itself."""
    path.unlink()
    path.symlink_to(path.name)


def unreadable(path: Path, rng: random.Random) -> None:
    """Take away all permissions."""
    path.chmod(0)


def read_only(path: Path, rng: random.Random) -> None:
    """Forbid to write."""
    path.chmod(0o555)


def foreign(path: Path, rng: random.Random) -> None:
    """Give a file or a folder to another user, for that user only."""
    path.chmod(0o700)
    os.chown(path, _NOBODY, _NOBODY)


OF_FILES: tuple[Damage, ...] = (
    *(emptied, truncated, flipped, padded, exchanged, not_executable),
    *(folder_instead, pipe_instead, looping_link, unreadable),
)
OF_FOLDERS: tuple[Damage, ...] = (file_instead, unreadable, read_only)
if os.geteuid() == 0:
    OF_FILES, OF_FOLDERS = (*OF_FILES, foreign), (*OF_FOLDERS, foreign)


def mend_permissions(folder: Path) -> None:
    """Make everything in a folder removable again."""
    for place, folders, _ in os.walk(folder):
        for each in folders:
            path = Path(place, each)
            if not path.is_symlink() and path.stat().st_uid == os.geteuid():
                path.chmod(0o700)
