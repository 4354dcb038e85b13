"""List the pictures of an ImageNet folder, with the class of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reds.data.catalog import Labels
from reds.data.class_folders import entries, visible
from reds.errors import DataError
from reds.reading import reason

VALIDATION = 5
"""Most pictures of each class of the training part that validate, at most a tenth."""
SOLUTION = "LOC_val_solution.csv"
"""Kaggle's file of the test part: a picture's name, then its class and boxes, in each line."""


@dataclass(frozen=True)
class Pictures:
    """List the files of one part with their labels."""

    files: Sequence[Path]
    labels: Labels


def list_pictures(folder: Path, classes: Sequence[str], seed: int) -> Mapping[str, Pictures]:
    """Return the pictures of each part. A seed draws those that validate from each class."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[tuple[Path, int]]] = {"train": [], "validation": []}
    for label, name in enumerate(classes):
        files = entries(folder / "train" / name, folders=False)
        if len(files) < 2:
            raise DataError(
                f"{folder / 'train' / name}: holds {len(files)} pictures: 2 or more are needed, to train and"
                " to validate"
            )
        held = {*rng.permutation(len(files))[: min(VALIDATION, max(1, len(files) // 10))].tolist()}
        for i, file in enumerate(files):
            found["validation" if i in held else "train"].append((file, label))
    found["test"] = _test(folder, classes)
    return {
        part: Pictures([file for file, _ in listed], np.array([label for _, label in listed], np.uint16))
        for part, listed in found.items()
    }


def _test(folder: Path, classes: Sequence[str]) -> list[tuple[Path, int]]:
    """Return the pictures of `val` in a fixed random order, so that the first ones are of all classes."""
    inside, label = visible(folder / "val"), {name: i for i, name in enumerate(classes)}
    if inside and all(each.is_dir() for each in inside):
        if odd := sorted({each.name for each in inside} ^ label.keys()):
            raise DataError(f"{folder}: {odd[0]} is a class of one of train and val: both need the same ones")
        listed = [(file, label[each.name]) for each in inside for file in entries(each, folders=False)]
    else:
        told = _solution(folder / SOLUTION)
        listed = []
        for file in entries(folder / "val", folders=False):
            name = told.get(file.stem, "")
            if name not in label:
                raise DataError(
                    f"{file}: its class in {SOLUTION} is {name or 'none'}: one of train is needed"
                )
            listed.append((file, label[name]))
    if not listed:
        raise DataError(f"{folder / 'val'}: holds no picture: put the validation part of ImageNet there")
    return [listed[i] for i in np.random.default_rng(0).permutation(len(listed)).tolist()]


def _solution(path: Path) -> Mapping[str, str]:
    """Return the class of each picture of the test part, by the picture's name."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read: {reason(error)}; the pictures of val need it, or folders of classes"
        ) from None
    rows = [line.replace(",", " ").split() for line in lines[1:]]
    return {row[0]: row[1] for row in rows if len(row) > 1}
