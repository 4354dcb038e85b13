"""Write the labeled examples that boards are held to, and find them again by a card; needs only numpy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.arrays import read_arrays
from reds.data.catalog import Data
from reds.data.checks import MOST_CLASSES
from reds.data.local_files import data_home, sha256_of
from reds.errors import DataError, LabeledSetMissing
from reds.files import atomic_file
from reds.fixtures import fixtures_dir
from reds.pack.interpreter import clamp_input
from reds.pack.task import TASKS, Task
from reds.reading import check_regular, reason
from reds.text import is_printable, shown

_MOST_BYTES = 1 << 30
"""Most bytes of all arrays of a labeled set."""


def find_labeled(card: Mapping[str, Any], beside: Path) -> tuple[NDArray[np.int8], NDArray[Any]]:
    """Return inputs int8 [N, input_size] in [-127, 127] and what the outputs should be.

    That is labels [N], or values float32 [N, outputs] if the card says so. Looks in `beside`, in the
    fixtures, then in `REDS_DATA`, and accepts only a file with the sha256 of the card.

    Args:
        card: The card of the pack.
        beside: The folder of the pack.

    Raises:
        LabeledSetMissing: The card names no usable set, or no place has it; the text names the places.
        DataError: The set with this sha256 holds something other than the card says.
    """
    entry = _entry(card)
    refused = []
    for folder in (beside, fixtures_dir(), data_home()):
        path = folder / entry.file
        try:
            check_regular(path)
            found = sha256_of(path)
        except FileNotFoundError:
            refused.append(f"not in {folder}")
            continue
        except OSError as error:
            refused.append(f"{path} cannot be read ({reason(error)})")
            continue
        if found == entry.sha256:
            return _read(path, entry, card)
        refused.append(f"{path} has another sha256 ({found[:12]})")
    remedy = "copy it beside the pack, or build the pack again"
    raise LabeledSetMissing(f"{entry.file} (sha256 {entry.sha256[:12]}): {'; '.join(refused)}: {remedy}")


@dataclass(frozen=True)
class _Entry:
    """The labeled set that a card names."""

    file: str
    sha256: str
    every: int
    """Stride of the rows of an example that the net reads."""
    clips: int
    """Number of examples."""


def _entry(card: Mapping[str, Any]) -> _Entry:
    """Return the entry of a card. Raises `LabeledSetMissing` if it cannot be used."""
    found = card.get("labelled")
    if not isinstance(found, Mapping) or not found.keys() >= {"file", "sha256", "every", "clips"}:
        raise LabeledSetMissing(
            "the card names no labeled set: it needs `labelled` with file, sha256, every and clips; build the"
            " pack again"
        )
    file, sha256, every, clips = (found[key] for key in ("file", "sha256", "every", "clips"))
    for key, value, holds, expected in (
        ("file", file, isinstance(file, str) and _is_bare(file), "a bare name"),
        ("sha256", sha256, isinstance(sha256, str), "a text"),
        ("every", every, type(every) is int and every >= 1, "a whole number, 1 or more"),
        ("clips", clips, type(clips) is int and clips >= 1, "a whole number, 1 or more"),
    ):
        if not holds:
            raise LabeledSetMissing(
                f"the card's labeled set cannot be used: {key} is {shown(value)}, {expected} is needed;"
                " build the pack again"
            )
    return _Entry(file, sha256, every, clips)


def _is_bare(name: str) -> bool:
    return is_printable(name) and name == Path(name).name and name not in ("", "..")


def task_of(card: Mapping[str, Any]) -> Task:
    """Return the task of the net of a card. Raises `DataError` if it is unknown."""
    found = card.get("task", "classes")
    for task in TASKS:
        if found == task:
            return task
    raise DataError(f"the card's task is {shown(found)}: one of {', '.join(TASKS)} is needed; build it again")


def _read(path: Path, entry: _Entry, card: Mapping[str, Any]) -> tuple[NDArray[np.int8], NDArray[Any]]:
    """Return inputs and labels of a file. Raises `DataError` if it holds anything else than the card says."""
    arrays = read_arrays(path, _MOST_BYTES)
    again = "build the pack again"
    if not {"x", "y"} <= arrays.keys():
        raise DataError(
            f"{path}: holds {', '.join(sorted(arrays)) or 'nothing'}, x and y are needed: {again}"
        )
    x, y = arrays["x"], arrays["y"]
    task, classes = task_of(card), card.get("classes")
    values = task == "values"
    fits = (y.dtype.kind, y.ndim) == ("f", 2) if values else y.dtype.kind in "iu" and y.ndim == 1
    if x.dtype != np.int8 or x.ndim < 2 or not x.size or not fits:
        raise DataError(
            f"{path}: x is {x.dtype} {list(x.shape)} and y {y.dtype} {list(y.shape)}, int8 examples and"
            f" {'values' if values else 'a whole number'} for each are needed: {again}"
        )
    if not len(x) == len(y) == entry.clips:
        raise DataError(
            f"{path}: holds {len(x)} examples and {len(y)} labels, the card says {entry.clips}: {again}"
        )
    inputs = clamp_input(x[:, :: entry.every].reshape(entry.clips, -1))
    if values:
        if not np.isfinite(y).all():
            raise DataError(f"{path}: y holds values that are not finite: {again}")
        return inputs, y.astype(np.float32)
    most = len(classes) if isinstance(classes, list) and classes else MOST_CLASSES
    most = 2 if task == "anomalies" else most
    if y.min() < 0 or y.max() >= most:
        odd = int(y.min() if y.min() < 0 else y.max())
        raise DataError(f"{path}: y holds the label {odd}, labels are 0 to {most - 1}: {again}")
    return inputs, y.astype(np.min_scalar_type(most - 1))


def save_labeled(data: Data, every: int, folder: Path) -> dict[str, Any]:
    """Write the labeled examples into `folder`, unless they are shipped, and return their entry of the card.

    Args:
        data: The first test examples are the labeled ones.
        every: The net reads every second, third... row of an example.
        folder: Folder of the pack.
    """
    path, n = fixtures_dir() / data.set.file, data.set.labeled
    if not path.is_file():
        path = folder / data.set.file
        with atomic_file(path) as file:
            y = data.test_y[:n]
            y = data.set.targets.undone(y).astype(np.float32) if data.set.targets.mean else y
            np.savez(file, x=data.test_x[:n], y=y, classes=np.array(data.set.classes))
    name = path.name.removesuffix(".npz")
    count = min(n, len(data.test_y))
    return {"name": name, "file": path.name, "sha256": sha256_of(path), "every": every, "clips": count}
