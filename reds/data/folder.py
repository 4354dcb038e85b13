"""A user's own pictures: `train/CLASS/` and `test/CLASS/`, perhaps `validation/CLASS/`, or just `CLASS/`.

If only classes are there, a part of each is cut off as the test part, the same one every time. Two pictures
of one thing may then be on both sides: sort them into `train` and `test` where that matters. Names that begin
with a dot are passed over; everything else has to be a picture in the folder of its class, all of one size.
If all are gray they have one unit, else three.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reds.data.image_file import decode
from reds.data.images import Pixels, cut
from reds.data.checks import Part, Raw, check_classes, check_present
from reds.errors import DataError

PARTS = ("train", "test", "validation")
TEST, DRAWN_WITH = 0.2, 0
"""Share of every class that tests, and the seed that draws it."""


def read_folder(path: Path) -> Raw:
    """All pictures below a folder. Raises `DataError`, which names the first file that is not usable."""
    parts = _parts(path)
    classes = tuple(each.name for each in _inside(parts["train"], folders=True))
    check_classes(f"{parts['train']}: its folders", classes)
    files: list[Path] = []
    labels: dict[str, list[int]] = {part: [] for part in parts}
    for part, folder in parts.items():
        found = {each.name for each in _inside(folder, folders=True)}
        if odd := sorted(found ^ set(classes)):
            raise DataError(
                f"{folder / odd[0]}: every part needs the same classes, and this one is not in all"
            )
        for label, name in enumerate(classes):
            pictures = _inside(folder / name, folders=False)
            if not pictures:
                raise DataError(f"{folder / name}: holds no picture; add some, or remove the class")
            files += pictures
            labels[part] += [label] * len(pictures)
    x, sha256 = _read(path, files)
    y = np.array([label for each in labels.values() for label in each])
    ends = np.cumsum([len(each) for each in labels.values()])
    given = zip(parts, np.split(x, ends[:-1]), np.split(y, ends[:-1]), strict=True)
    if len(parts) > 1:
        made = {name: Part(*part) for name, *part in given}
        return Raw(made, classes, sha256, path.resolve().name, "test part as given")
    tests = cut(y, TEST, DRAWN_WITH)
    check_present(f"{path}: what is left to train on", y[~tests], classes)
    drawn = {"train": Part(x[~tests], y[~tests]), "test": Part(x[tests], y[tests])}
    how = f"{TEST:.0%} of every class test, drawn with seed {DRAWN_WITH}"
    return Raw(drawn, classes, sha256, path.resolve().name, how)


def _parts(path: Path) -> dict[str, Path]:
    """The folder of every part; if they are not told apart, all is `train`."""
    names = {each.name for each in _inside(path, folders=True)}
    if not names & {"train", "test"}:
        return {"train": path}
    if not {"train", "test"} <= names <= set(PARTS):
        there = ", ".join(sorted(names))
        raise DataError(
            f"{path}: holds {there}: train, test, perhaps validation, are needed, or only classes"
        )
    return {part: path / part for part in PARTS if part in names}


def _inside(path: Path, folders: bool) -> list[Path]:
    """What a folder holds, in the order of names, all of it folders or all of it files."""
    found = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    for each in found:
        if folders and not each.name.isprintable():
            raise DataError(f"{path}: the name of {each.name!a} cannot be printed: name it anew")
        if not (each.is_dir() if folders else each.is_file()):
            wanted = "folders of classes" if folders else "pictures"
            raise DataError(f"{each}: only {wanted} may be in {path}; move it elsewhere")
    return found


def _read(path: Path, files: Sequence[Path]) -> tuple[Pixels, str]:
    """Pixels [N, rows, columns, units] of the pictures, and a sha256 of their names and bytes."""
    pictures, digest = [], hashlib.sha256()
    for file in files:
        data = file.read_bytes()
        digest.update(os.fsencode(file.relative_to(path)))
        digest.update(f" {hashlib.sha256(data).hexdigest()}\n".encode())
        pictures.append(decode(data, str(file)))
        rows, columns = pictures[0].shape[:2]
        if pictures[-1].shape[:2] != (rows, columns):
            high, wide = pictures[-1].shape[:2]
            wanted = f"{columns} x {rows} pixels, as {files[0]} has, are needed"
            raise DataError(f"{file}: is {wide} x {high}; {wanted}: resize it")
    units = max(picture.shape[2] for picture in pictures)
    return np.stack(
        [np.broadcast_to(picture, (rows, columns, units)) for picture in pictures]
    ), digest.hexdigest()
