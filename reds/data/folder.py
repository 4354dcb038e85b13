"""Read a user's own images from folders named after their classes.

The folder holds `train/CLASS/` and `test/CLASS/`, optionally `validation/CLASS/`, or just `CLASS/`. In the
last case a fixed share of each class becomes the test part. Two images of one object may then be in both
parts; sort them into `train` and `test` where that matters.

Names that begin with a dot are ignored. Every other file has to be an image in the folder of its class, all
of one size. If all images are gray they have one unit, else three.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reds.data.checks import Part, RawData, check_classes, check_present
from reds.data.image_file import decode
from reds.data.images import Pixels, sample_share
from reds.errors import DataError
from reds.reading import read_regular, reason

PARTS = ("train", "test", "validation")
TEST_SHARE, TEST_SEED = 0.2, 0
"""Share of every class that becomes the test part, and the seed that draws it."""
_IMAGE_BYTES = 1 << 28
"""Most bytes of an image's file."""


def read_folder(path: Path) -> RawData:
    """Return all images below a folder. Raises `DataError`, which names the first unusable file."""
    parts = _parts(path)
    classes = tuple(each.name for each in _inside(parts["train"], folders=True))
    check_classes(f"{parts['train']}: its folders", classes)
    files: list[Path] = []
    labels: dict[str, list[int]] = {part: [] for part in parts}
    for part, folder in parts.items():
        found = {each.name for each in _inside(folder, folders=True)}
        if odd := sorted(found ^ set(classes)):
            raise DataError(
                f"{folder / odd[0]}: every part needs the same classes, but not all have {odd[0]}"
            )
        for label, name in enumerate(classes):
            images = _inside(folder / name, folders=False)
            if not images:
                raise DataError(f"{folder / name}: holds no image; add some, or remove the class")
            files += images
            labels[part] += [label] * len(images)
    x, sha256 = _read(path, files)
    y = np.array([label for each in labels.values() for label in each])
    ends = np.cumsum([len(each) for each in labels.values()])
    given = zip(parts, np.split(x, ends[:-1]), np.split(y, ends[:-1]), strict=True)
    if len(parts) > 1:
        made = {name: Part(*part) for name, *part in given}
        return RawData(made, classes, sha256, path.resolve().name, "test part as given")
    in_test = sample_share(y, TEST_SHARE, TEST_SEED)
    check_present(f"{path}: training part without the test part", y[~in_test], classes)
    drawn = {"train": Part(x[~in_test], y[~in_test]), "test": Part(x[in_test], y[in_test])}
    split = f"{TEST_SHARE:.0%} of every class test, drawn with seed {TEST_SEED}"
    return RawData(drawn, classes, sha256, path.resolve().name, split)


def _parts(path: Path) -> dict[str, Path]:
    """Return the folder of every part; without `train` and `test` folders everything is `train`."""
    names = {each.name for each in _inside(path, folders=True)}
    if not names & {"train", "test"}:
        return {"train": path}
    if not {"train", "test"} <= names <= set(PARTS):
        found = ", ".join(sorted(names))
        raise DataError(
            f"{path}: holds {found}: it needs train, test and optionally validation, or only classes"
        )
    return {part: path / part for part in PARTS if part in names}


def _inside(path: Path, folders: bool) -> list[Path]:
    """Return the entries of a folder, sorted by name. Raises `DataError` if one is of another kind."""
    try:
        found = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason(error)}; name a folder of images") from error
    for each in found:
        if folders and not each.name.isprintable():
            raise DataError(f"{path}: the name {each.name!a} cannot be printed: rename it")
        if not (each.is_dir() if folders else each.is_file()):
            wanted = "folders of classes" if folders else "images"
            raise DataError(f"{each}: only {wanted} may be in {path}; move it elsewhere")
    return found


def _read(path: Path, files: Sequence[Path]) -> tuple[Pixels, str]:
    """Return pixels uint8 [N, rows, columns, units] of all files, and a sha256 of their names and bytes."""
    images, digest = [], hashlib.sha256()
    for file in files:
        try:
            data = read_regular(file, _IMAGE_BYTES)
        except OSError as error:
            raise DataError(f"{file}: cannot be read: {reason(error)}; replace or remove it") from error
        digest.update(os.fsencode(file.relative_to(path)))
        digest.update(f" {hashlib.sha256(data).hexdigest()}\n".encode())
        images.append(decode(data, str(file)))
        rows, columns = images[0].shape[:2]
        if images[-1].shape[:2] != (rows, columns):
            height, width = images[-1].shape[:2]
            wanted = f"{columns} x {rows} pixels, as {files[0]} has, are needed"
            raise DataError(f"{file}: is {width} x {height}; {wanted}: resize it")
    units = max(image.shape[2] for image in images)
    stacked = np.stack([np.broadcast_to(image, (rows, columns, units)) for image in images])
    return stacked, digest.hexdigest()
