"""Find data files on this machine and check them by sha256, so that every training reads the same bytes."""

import hashlib
import os
from pathlib import Path

import platformdirs

from reds.errors import DataError
from reds.reading import user_path


def data_home() -> Path:
    """Return the folder `REDS_DATA`, or the user's cache folder if that is not set; it may not exist yet.

    Raises:
        DataError: `REDS_DATA` cannot name a folder, or is not set for a user without a home folder.
    """
    chosen = os.environ.get("REDS_DATA")
    try:
        return user_path(chosen) if chosen else platformdirs.user_cache_path("reds-hil") / "data"
    except RuntimeError as error:
        homeless = "this user has no home folder to look for data in"
        raise DataError(f"{homeless}; set REDS_DATA to a folder of yours") from error
    except ValueError as error:
        raise DataError(f"REDS_DATA: {error}") from None


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Raise `DataError` unless the file has this sha256."""
    found = sha256_of(path)
    if found != expected:
        raise DataError(f"{path}: sha256 is {found}, expected {expected}: delete the file and fetch it again")
