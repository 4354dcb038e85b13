"""Load Visual Wake Words as MLPerf Tiny defines it: is there a person in a 96 x 96 photograph of COCO 2014?

The archive holds about 110,000 photographs, `vw_coco2014_96/person/*.jpg` and `.../non_person/*.jpg`, which
take 3 GB of memory. Its home states no checksum; the one below is stated by three unrelated projects on
GitHub. The photographs have licenses of their own, so none is shipped.
"""

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from rich.console import Console
from rich.progress import track

from reds.data.catalog import Data, DataSpec
from reds.data.download import fetch
from reds.data.image_file import decode
from reds.data.images import to_int8
from reds.errors import DataError

URL = "https://www.silabs.com/public/files/github/machine_learning/benchmarks/datasets/vw_coco2014_96.tar.gz"
SHA256 = "f8746b9e44f8a7a4293f73be9ba6e8da9239fe69798d42364aae62b915cfab58"
TEST, VALIDATION = 5, 10
SPLIT = f"by sha1(file name) % 100: under {TEST} tests, else under {VALIDATION} validates"


def load_visual_wake_words(
    spec: DataSpec, folder: Path, console: Console, url: str = URL, sha256: str = SHA256
) -> Data:
    """Return all photographs, in the order of the sha1 of their names.

    Args:
        spec: The data set; gives the classes and the size of the photographs.
        folder: Folder of downloaded data; the archive is downloaded once.
        console: Shows progress.
        url: Address of the archive.
        sha256: Checksum of the archive, in hex.

    Raises:
        DataError: The archive cannot be downloaded, is damaged or has another checksum.
    """
    path = folder / PurePosixPath(url).name
    fetch(url, sha256, path, console)
    label = {name: i for i, name in enumerate(spec.classes)}
    names = sorted((name for name, _ in _photographs(path) if _class(name) in label), key=_hash)
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name in names:
        parts[part_of(name)].append(name)
    if not all(parts.values()):
        raise DataError(f"{path}: lacks photographs in {' and '.join(label)}; delete it and try again")
    x = {part: np.empty((len(of), *spec.shape), np.int8) for part, of in parts.items()}
    y = {part: np.array([label[_class(name)] for name in of], np.uint8) for part, of in parts.items()}
    position = {name: (part, i) for part, of in parts.items() for i, name in enumerate(of)}
    for name, data in track(_photographs(path), "photographs", len(position), console=console):
        if name in position:
            part, i = position[name]
            pixels = decode(data, f"{path}: {name}")
            if pixels.shape[:2] != spec.shape[:2]:
                size = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
                raise DataError(
                    f"{path}: {name} is of another size, {size}; delete the archive and try again"
                )
            x[part][i] = to_int8(pixels)  # a gray photograph has three equal units
    return Data(
        spec, x["train"][None], y["train"], x["validation"], y["validation"], x["test"], y["test"],
        {path.name: sha256}, SPLIT,
    )  # fmt: skip


def part_of(name: str) -> str:
    """Return `train`, `validation` or `test`, by a hash of the file name without its folder."""
    percent = int(_hash(name), 16) % 100
    return "test" if percent < TEST else "validation" if percent < VALIDATION else "train"


def _hash(name: str) -> str:
    return hashlib.sha1(PurePosixPath(name).name.encode()).hexdigest()


def _class(name: str) -> str:
    return PurePosixPath(name).parent.name


def _photographs(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every photograph, in the archive's order."""
    try:
        with tarfile.open(path, "r|gz") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.name.endswith(".jpg") else None
                if source:
                    yield member.name, source.read()
    except tarfile.TarError as error:
        raise DataError(f"{path}: cannot be read: {error}; delete it and try again") from error
