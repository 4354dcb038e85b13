"""Load CIFAR-10 (Krizhevsky, 2009) from its official home; it states no license, so no image is shipped."""

import tarfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
from rich.console import Console

from reds.data.download import fetch
from reds.data.images import Images
from reds.errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
SHEETS = {
    "cifar10_a.npz": "878849c39bf6b7f013fdc01d66e7835eff21da4f8ea26277839ddc3955d24bd7",
    "cifar10_b.npz": "673a2fb3d284593b45116f660c9b1bf824efa38d2b81bc8aa148d43eea54d556",
}
RECORD = 1 + 3 * 32 * 32
"""Bytes of an image: its label, then its red, green and blue plane."""


def load_cifar10(folder: Path, console: Console, url: str = URL, sha256: str = SHA256) -> Images:
    """Return all images; the archive is downloaded once to `folder`.

    Args:
        folder: Folder of downloaded data.
        console: Shows progress.
        url: Address of the archive.
        sha256: Checksum of the archive, in hex.

    Raises:
        DataError: The archive cannot be downloaded, is damaged or has another checksum.
    """
    path = folder / PurePosixPath(url).name
    fetch(url, sha256, path, console)
    parts: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.name.endswith(".bin") else None
                if source:
                    parts[PurePosixPath(member.name).name] = source.read()
        train = b"".join(parts[f"data_batch_{i}.bin"] for i in range(1, 6))
        records = [np.frombuffer(x, np.uint8).reshape(-1, RECORD) for x in (train, parts["test_batch.bin"])]
    except (tarfile.TarError, OSError, EOFError, KeyError, ValueError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}; delete it and try again") from error
    (train_x, train_y), (test_x, test_y) = (
        (part[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), part[:, 0]) for part in records
    )
    return Images(train_x, train_y, test_x, test_y, {path.name: sha256})
