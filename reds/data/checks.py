"""Check a user's examples before they are stored as int8: their shape, type, range and labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reds.data.labels import check_whole_labels
from reds.data.values import check_anomalies, checked_values
from reds.errors import DataError
from reds.pack.task import Task
from reds.rules import seed_rule
from reds.text import is_printable, shown

LARGEST = 1e6
"""Largest magnitude of a feature; float32 holds every whole number up to it."""
MOST_CLASSES = 256
"""Labels are stored as uint8."""


class Part(NamedTuple):
    """Hold the features of some examples, of any numeric type, and a label for each."""

    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True)
class RawData:
    """Hold a user's examples as they were read, checked but not yet stored as int8."""

    parts: Mapping[str, Part]
    """`train`, `test` and optionally `validation`: features [N, rows, columns, units], and labels [N] or
    values [N, outputs]."""
    classes: tuple[str, ...]
    """Names of the labels 0, 1, 2...; empty for another task."""
    sha256: str
    """Checksum of everything that was read."""
    source: str
    """Name of the file or folder that was read."""
    split: str
    """Rules by which the parts were chosen, as `given_rule` has them where a user chose."""
    notes: tuple[str, ...] = ()
    """Sentences on the examples that a user should read, as that some sounds were cut."""
    front_end: Mapping[str, object] = field(default_factory=dict)
    """Steps from a sensor's samples to such features, for a device to repeat."""
    task: Task = "classes"
    """Task of a net for these examples, which says what its outputs are."""


def given_rule(parts: Mapping[str, Part]) -> str:
    """Say that the parts beside `train` are as the user gave them."""
    return "; ".join(f"{name} part as given" for name in parts if name != "train")


def check_parts(where: str | Path, parts: Mapping[str, Part], classes: tuple[str, ...]) -> None:
    """Check that all parts hold examples of one shape and type, with labels of these classes.

    Args:
        where: The file or object that holds the examples, for errors.
        parts: `train` and other parts; N may differ between them.
        classes: Names of the labels 0, 1, 2...

    Raises:
        DataError: A part has another shape or type, a value that is not finite or too large, a label without
            a class, or a class without an example.
    """
    check_features(where, parts)
    for name, (x, y) in parts.items():
        _check_labels(f"{where}: {name}_y", y, len(x), classes)


def checked_parts(
    where: str | Path, parts: Mapping[str, Part], classes: tuple[str, ...], task: Task
) -> dict[str, Part]:  # fmt: skip
    """Return parts that hold examples of one shape and type, and what their task needs for each.

    Args:
        where: The file or object that holds the examples, for errors.
        parts: `train` and other parts; N may differ between them.
        classes: Names of the labels 0, 1, 2...; empty for another task.
        task: What the outputs of a net are.

    Raises:
        DataError: A part cannot be used.
    """
    if task == "classes":
        check_parts(where, parts, classes)
        return dict(parts)
    check_features(where, parts)
    given, counts = {n: part.y for n, part in parts.items()}, {n: len(part.x) for n, part in parts.items()}
    if task == "anomalies":
        check_anomalies(where, given, counts)
        return dict(parts)
    values = checked_values(where, given, counts)
    return {name: Part(part.x, values[name]) for name, part in parts.items()}


def check_features(where: str | Path, parts: Mapping[str, Part]) -> None:
    """Raise `DataError` unless all parts hold features of one shape and type, finite and not too large."""
    first = parts["train"].x
    for name, (x, _) in parts.items():
        array = f"{where}: {name}_x"
        if x.dtype.kind not in "iuf":
            raise DataError(f"{array} is of type {x.dtype}: whole or floating-point numbers are needed")
        if x.ndim not in (2, 3, 4) or not x.size:
            shapes = "[N, features], [N, rows, columns] or [N, rows, columns, units]"
            raise DataError(f"{array} has shape {_shape(x)}: {shapes} is needed, with no side of 0")
        if (x.dtype, x.shape[1:]) != (first.dtype, first.shape[1:]):
            expected = f"train_x is {first.dtype} of shape {_shape(first)}"
            found = f"{array} is {x.dtype} of shape {_shape(x)}"
            raise DataError(f"{found}, {expected}: only N may differ")
        if not np.isfinite(x).all():
            raise DataError(
                f"{array} holds values that are not finite: replace them, or remove their examples"
            )
        if max(-float(x.min()), float(x.max())) > LARGEST:
            raise DataError(
                f"{array} holds values beyond {LARGEST:g}, as {_farthest(x)}: divide this unit by a number"
                " (each unit is scaled by itself), or replace values that stand for nothing"
            )


def _farthest(x: NDArray[Any]) -> str:
    """Return the value of the largest magnitude and its unit, the last axis, as text."""
    index = int(np.abs(x.astype(np.float64)).argmax())
    unit = 0 if x.ndim == 3 else index % x.shape[-1]
    return f"{float(x.flat[index]):g} in unit {unit}"


def _check_labels(where: str, y: NDArray[Any], count: int, classes: tuple[str, ...]) -> None:
    check_whole_labels(where, y, count)
    if outside := sorted(set(np.unique(y).tolist()) - set(range(len(classes)))):
        last = len(classes) - 1
        raise DataError(f"{where} holds the label {outside[0]}: labels are 0 to {last}; renumber them")
    remedy = "add some, or leave the class out"
    if classes == tuple(map(str, range(len(classes)))):
        remedy += ", or number the labels anew with y = np.unique(y, return_inverse=True)[1]"
    check_present(where, y, classes, remedy)


def check_classes(where: str, names: tuple[str, ...]) -> None:
    """Raise `DataError` unless there are 2 to 256 classes with different, printable names."""
    if odd := [name for name in names if not name.strip() or not is_printable(name)]:
        raise DataError(
            f"{where}: the class {odd[0]!a} is no printable name of 1 to 200 characters: rename it"
        )
    if not 2 <= len(set(names)) == len(names) <= MOST_CLASSES:
        found = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        needed = f"2 to {MOST_CLASSES} classes are needed, no two of one name"
        raise DataError(f"{where}: {needed}; found {len(names)}: {found or 'none'}")


def numbered_classes(labels: NDArray[Any]) -> tuple[str, ...]:
    """Return names for classes without names: the numbers from 0 to the largest label, at most 256."""
    usable = labels.dtype.kind in "iu" and labels.size and labels.min() >= 0
    largest = int(labels.max()) if usable else MOST_CLASSES
    return tuple(map(str, range(min(largest + 1, MOST_CLASSES))))


def check_present(
    where: str, y: NDArray[Any], classes: tuple[str, ...], remedy: str = "add some, or leave the class out"
) -> None:
    """Check that every class has an example.

    Args:
        where: The array or part that holds the labels, for errors.
        y: Labels [N].
        classes: Names of the labels 0, 1, 2...
        remedy: What to do if one has no example.

    Raises:
        DataError: A class has no example.
    """
    if empty := sorted(set(range(len(classes))) - set(np.unique(y).tolist())):
        raise DataError(f"{where}: no example of class {classes[empty[0]]}; {remedy}")


def check_seed(where: str, seed: object) -> None:
    """Raise `DataError` unless a seed is a whole number from 0 to 2^31 - 1."""
    if not seed_rule(seed).holds:
        raise DataError(f"{where}: seed is {shown(seed)}: a whole number from 0 to 2^31 - 1 is needed")


def _shape(array: NDArray[Any]) -> str:
    return "x".join(map(str, array.shape)) or "() (a single number)"
