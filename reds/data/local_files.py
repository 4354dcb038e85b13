"""Where data sets live on this machine, and how a file of them is recognized."""

import hashlib
import os
from pathlib import Path

import platformdirs

from reds.errors import DataError


def data_home() -> Path:
    """`REDS_DATA` if it is set, else the user's cache folder; it need not exist yet."""
    chosen = os.environ.get("REDS_DATA")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("reds-hil") / "data"


def sha256_of(path: Path) -> str:
    """Checksum of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Raise `DataError` unless the file has this checksum."""
    found = sha256_of(path)
    if found != expected:
        raise DataError(f"{path}: sha256 is {found}, expected {expected}: delete the file and fetch it again")
