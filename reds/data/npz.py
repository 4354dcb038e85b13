"""A user's own examples in one .npz file.

`train_x`, `train_y`, `test_x`, `test_y`; perhaps `validation_x` and `validation_y`, else they are cut from
the training part; perhaps `classes`, the names of labels 0, 1, 2..., else the labels are their names.
Features are numbers [N, rows, columns, units], [N, rows, columns] or [N, features]. Nothing else may be in
the file.
"""

from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from reds.data.home import sha256_of
from reds.data.raw import Part, Raw, check_classes, check_parts, numbered
from reds.errors import DataError

NEEDED = ("train_x", "train_y", "test_x", "test_y")
OPTIONAL = ("validation_x", "validation_y", "classes")


def read_npz(path: Path) -> Raw:
    """All of the file. Raises `DataError`, which says what is wrong with which array."""
    arrays = _arrays(path)
    pair = {"validation_x", "validation_y"}
    missing = sorted({*NEEDED, *(pair if pair & set(arrays) else ())} - set(arrays))
    if missing:
        raise DataError(f"{path}: {', '.join(missing)} missing: {', '.join(NEEDED)} are needed")
    if unknown := sorted(set(arrays) - {*NEEDED, *OPTIONAL}):
        takes = ", ".join(NEEDED + OPTIONAL)
        raise DataError(f"{path}: nothing is done with {', '.join(unknown)}: take it out; there are {takes}")
    names = ("train", "test", *(["validation"] if "validation_x" in arrays else []))
    parts = {name: Part(arrays[f"{name}_x"], arrays[f"{name}_y"]) for name in names}
    classes = _classes(path, arrays)
    check_parts(path, parts, classes)
    sited = {name: Part(_sited(x), y) for name, (x, y) in parts.items()}
    return Raw(sited, classes, sha256_of(path), path.resolve().name, "test part as given")


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        if path.is_file() and not is_zipfile(path):
            raise DataError(f"{path}: is no .npz: write it with numpy.savez")
        with np.load(path, allow_pickle=False) as file:
            return {key: np.asarray(file[key]) for key in file}
    except DataError:
        raise
    except Exception as error:  # damaged bytes raise whatever zip, zlib, numpy or tokenize stumbles over
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read: {reason}; write it with numpy.savez") from error


def _classes(path: Path, arrays: dict[str, NDArray[Any]]) -> tuple[str, ...]:
    """The names that are given, else the labels from 0 to the largest."""
    if "classes" in arrays:
        given, where = arrays["classes"], "classes"
        names = tuple(given.tolist()) if given.dtype.kind == "U" and given.ndim == 1 else ()
    else:
        names, where = numbered(arrays["train_y"]), "train_y"
    check_classes(f"{path}: {where}", names)
    return names


def _sited(x: NDArray[Any]) -> NDArray[Any]:
    """Features [N, rows, columns, units]; what has no sites are the units of one."""
    if x.ndim == 2:
        return x[:, None, None]
    return x[..., None] if x.ndim == 3 else x
