"""Download a file once, and keep it only if its checksum is right."""

import hashlib
import urllib.request
from http.client import HTTPException
from pathlib import Path

from rich.console import Console
from rich.progress import wrap_file

from reds.data.local_files import check_sha256
from reds.errors import DataError
from reds.files import atomic_file

_PIECE = 1 << 20
_MOST_BYTES = 1 << 34
"""Most bytes of a download; the largest data set takes 3 GB."""


def fetch(
    url: str, sha256: str, path: Path, console: Console, timeout: float = 60, most: int = _MOST_BYTES
) -> None:
    """Make sure that `path` holds the file of `url`; download it if it does not exist yet.

    Args:
        url: Address of the file.
        sha256: Expected checksum, in hex.
        path: Where the file is kept; its folder is made.
        console: Shows progress.
        timeout: Seconds without an answer after which the download fails.
        most: Most bytes of the file.

    Raises:
        DataError: The server cannot be reached, or the bytes have another checksum; nothing is left behind.
    """
    if path.is_file():
        return check_sha256(path, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer, atomic_file(path) as file:
            length = answer.headers.get("Content-Length") or ""
            total = int(length) if length.isdecimal() and len(length) < 15 else 0
            with wrap_file(answer, total, description=path.name, console=console) as source:
                while piece := source.read(_PIECE):
                    file.write(piece)
                    digest.update(piece)
                    if file.tell() > most:
                        raise DataError(f"{url}: more than {most:,} bytes come: put the right file at {path}")
            if (found := digest.hexdigest()) != sha256:
                raise DataError(f"{url}: sha256 is {found}, expected {sha256}: put the right file at {path}")
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"cannot download {url}: {reason}; fetch it by hand to {path}") from error
