"""List the files of a folder by part and class: `train/CLASS/` and `test/CLASS/`, or just `CLASS/`."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import check_classes
from reds.errors import DataError
from reds.reading import read_regular, reason

PARTS = ("train", "test", "validation")
PART_NAMES = {
    name: part
    for part, names in {"train": ("train", "training", "tr"), "test": ("test", "testing", "te"),
                        "validation": ("validation", "valid", "val", "dev")}.items()
    for name in names
}  # fmt: skip
"""Names that others give the folders of parts, in lower case."""
_FILE_BYTES = 1 << 28
"""Most bytes of an example's file."""


@dataclass(frozen=True)
class ClassFolders:
    """Hold the files of a folder, in the order of parts, classes and names."""

    root: Path
    classes: tuple[str, ...]
    files: Mapping[str, list[Path]]
    """Files of each part; without `train` and `test` folders all are in `train`."""
    labels: Mapping[str, NDArray[np.int64]]
    """Label of each file, by part."""

    @property
    def all_files(self) -> list[Path]:
        """Return the files of all parts."""
        return [file for files in self.files.values() for file in files]


def list_class_folders(path: Path) -> ClassFolders:
    """Return the files below a folder. Raises `DataError`, which names the first unusable one.

    Names that begin with a dot are ignored.
    """
    parts = part_folders(path)
    classes = tuple(each.name for each in entries(parts["train"], folders=True))
    check_classes(f"{parts['train']}: its folders", classes)
    files: dict[str, list[Path]] = {part: [] for part in parts}
    labels: dict[str, list[int]] = {part: [] for part in parts}
    for part, folder in parts.items():
        found = {each.name for each in entries(folder, folders=True)}
        if odd := sorted(found ^ set(classes)):
            raise DataError(
                f"{folder / odd[0]}: every part needs the same classes, but not all have {odd[0]}"
            )
        for label, name in enumerate(classes):
            inside = entries(folder / name, folders=False)
            if not inside:
                raise DataError(f"{folder / name}: holds no example; add some, or remove the class")
            files[part] += inside
            labels[part] += [label] * len(inside)
    return ClassFolders(path, classes, files, {part: np.array(each) for part, each in labels.items()})


def part_folders(path: Path) -> dict[str, Path]:
    """Return the folder of every part; without `train` and `test` folders everything is `train`."""
    names = {each.name for each in entries(path, folders=True)}
    if names and all(name.lower() in PART_NAMES for name in names) and not names <= set(PARTS):
        meant = ", ".join(f"{name} to {PART_NAMES[name.lower()]}" for name in sorted(names - set(PARTS)))
        raise DataError(f"{path}: holds {', '.join(sorted(names))}: rename {meant}")
    if not names & {"train", "test"}:
        return {"train": path}
    if not {"train", "test"} <= names <= set(PARTS):
        found = ", ".join(sorted(names))
        raise DataError(
            f"{path}: holds {found}: it needs train, test and optionally validation, or only classes"
        )
    return {part: path / part for part in PARTS if part in names}


def entries(path: Path, folders: bool) -> list[Path]:
    """Return the entries of a folder, sorted by name. Raises `DataError` if one is of another kind."""
    found = visible(path)
    for each in found:
        if folders and not each.name.isprintable():
            raise DataError(f"{path}: the name {each.name!a} cannot be printed: rename it")
        if not (each.is_dir() if folders else each.is_file()):
            wanted = "folders of classes" if folders else "examples"
            raise DataError(f"{each}: only {wanted} may be in {path}; move it elsewhere")
    return found


def visible(path: Path) -> list[Path]:
    """Return the entries of a folder whose names do not begin with a dot, sorted by name."""
    try:
        return sorted(each for each in path.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason(error)}; name a folder of examples") from error


class FolderReader:
    """Read files of a folder, and add up a checksum of their names and bytes."""

    def __init__(self, root: Path) -> None:
        self._root, self._digest = root, hashlib.sha256()

    def peek(self, file: Path) -> bytes:
        """Return the bytes of a file, and leave the checksum. Raises `DataError`."""
        try:
            return read_regular(file, _FILE_BYTES)
        except OSError as error:
            raise DataError(f"{file}: cannot be read: {reason(error)}; replace or remove it") from error

    def read(self, file: Path) -> bytes:
        """Return the bytes of a file, and add it to the checksum. Raises `DataError`."""
        data = self.peek(file)
        self._digest.update(os.fsencode(file.relative_to(self._root)))
        self._digest.update(f" {hashlib.sha256(data).hexdigest()}\n".encode())
        return data

    @property
    def sha256(self) -> str:
        """Return the checksum of all files that were read, in order."""
        return self._digest.hexdigest()
