"""Read a user's own examples from one .npz file.

The file holds these arrays and no others:
- `train_x`, `train_y`, `test_x`, `test_y`.
- Optionally `validation_x` and `validation_y`; without them a share of the training part validates.
- Optionally `classes`, the names of labels 0, 1, 2...; without them the numbers are the names.

Features are numbers [N, rows, columns, units], [N, rows, columns] or [N, features]. What the `y` arrays hold
depends on the task: labels of classes [N], values [N] or [N, outputs], or 1 for each odd example.
"""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from reds.data.arrays import read_arrays
from reds.data.checks import Part, RawData, check_classes, checked_parts, given_rule, numbered_classes
from reds.data.local_files import sha256_of
from reds.errors import DataError
from reds.pack.task import Task
from reds.reading import reason
from reds.spelling import did_you_mean

NEEDED = ("train_x", "train_y", "test_x", "test_y")
OPTIONAL = ("validation_x", "validation_y", "classes")
_AXES = {"x": ("x", "data", "features", "images"), "y": ("y", "labels", "targets")}
_PARTS = {"train": ("train", "training", "tr"), "test": ("test", "te"),
          "validation": ("validation", "valid", "val", "dev")}  # fmt: skip
_KNOWN_AS = {
    spelled: f"{part}_{axis}"
    for part, parts in _PARTS.items() for axis, axes in _AXES.items()
    for a in parts for b in axes for gap in ("_", "", "-") for spelled in (f"{a}{gap}{b}", f"{b}{gap}{a}")
}  # fmt: skip
"""Names that others give these arrays, in lower case, as `x_train` or `val_labels`."""


def read_npz(path: Path, task: Task = "classes") -> RawData:
    """Return all examples of a file. Raises `DataError`, which names the array that cannot be used."""
    arrays = read_arrays(path)
    pair = {"validation_x", "validation_y"}
    missing = sorted({*NEEDED, *(pair if pair & set(arrays) else ())} - set(arrays))
    unknown = sorted(set(arrays) - {*NEEDED, *OPTIONAL})
    if meant := {name: _KNOWN_AS[name.lower()] for name in unknown if name.lower() in _KNOWN_AS}:
        found, known = ", ".join(meant), ", ".join(meant.values())
        raise DataError(f"{path}: unknown array {found}: did you mean {known}? Write it with these names")
    if missing:
        raise DataError(f"{path}: {', '.join(missing)} missing: {', '.join(NEEDED)} are needed")
    if unknown:
        raise DataError(f"{path}: unknown array {unknown[0]}: {did_you_mean(unknown[0], NEEDED + OPTIONAL)}")
    names = ("train", "test", *(["validation"] if "validation_x" in arrays else []))
    parts = {name: Part(arrays[f"{name}_x"], arrays[f"{name}_y"]) for name in names}
    classes = _classes(path, arrays) if task == "classes" else ()
    if task != "classes" and "classes" in arrays:
        raise DataError(f"{path}: classes are given, and [data] task is {task}: leave out one of both")
    parts = checked_parts(path, parts, classes, task)
    shaped = {name: Part(_with_positions(x), y) for name, (x, y) in parts.items()}
    return RawData(shaped, classes, sha256_of(path), path.resolve().name, given_rule(parts), task=task)


def _classes(path: Path, arrays: dict[str, NDArray[Any]]) -> tuple[str, ...]:
    """Return the names in the file, or the labels from 0 to the largest if it has none."""
    if "classes" in arrays:
        given, where = arrays["classes"], "classes"
        if given.dtype.kind != "U" or given.ndim != 1:
            shape = list(given.shape)
            raise DataError(f"{path}: classes is {given.dtype} of shape {shape}: a list of texts is needed")
        try:
            names = tuple(map(str, given.tolist()))
        except ValueError as error:
            raise DataError(
                f"{path}: classes holds no text: {reason(error)}; write it with numpy.savez"
            ) from error
    else:
        names, where = numbered_classes(arrays["train_y"]), "train_y"
    check_classes(f"{path}: {where}", names)
    return names


def _with_positions(x: NDArray[Any]) -> NDArray[Any]:
    """Return features as [N, rows, columns, units]; [N, features] become the units of one position."""
    if x.ndim == 2:
        return x[:, None, None]
    return x[..., None] if x.ndim == 3 else x
