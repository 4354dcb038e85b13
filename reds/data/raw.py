"""Examples as a user has them, checked: what is made int8 is whole, finite and labeled."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reds.errors import DataError

LARGEST = 1e6
"""No value is beyond it, so that float32 holds every whole number."""
MOST_CLASSES = 256


class Part(NamedTuple):
    """Some examples: features of any type of number, and a label for each."""

    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True)
class Raw:
    """`train`, `test` and perhaps `validation`: features [N, rows, columns, units] and labels [N]."""

    parts: Mapping[str, Part]
    classes: tuple[str, ...]
    sha256: str
    """Of everything that was read."""
    source: str
    """Name of the file or folder that was read."""
    split: str
    """How the test part was chosen."""


def check_parts(where: str | Path, parts: Mapping[str, Part], classes: tuple[str, ...]) -> None:
    """Raise `DataError` unless the parts are examples of one shape, one type of number and these classes."""
    first = parts["train"].x
    for name, (x, y) in parts.items():
        of = f"{where}: {name}_x"
        if x.dtype.kind not in "iuf":
            raise DataError(f"{of} is of type {x.dtype}: whole or floating-point numbers are needed")
        if x.ndim not in (2, 3, 4) or not x.size:
            shapes = "[N, features], [N, rows, columns] or [N, rows, columns, units]"
            raise DataError(f"{of} has shape {_shape(x)}: {shapes} is needed, none of them 0")
        if (x.dtype, x.shape[1:]) != (first.dtype, first.shape[1:]):
            others = f"{first.dtype} of shape {_shape(first)}"
            raise DataError(f"{of} is {x.dtype} of shape {_shape(x)}, train_x {others}: only N may differ")
        if not np.isfinite(x).all():
            raise DataError(
                f"{of} holds values that are not finite: replace them, or leave their examples out"
            )
        if max(-float(x.min()), float(x.max())) > LARGEST:
            raise DataError(f"{of} holds values beyond {LARGEST:g}: divide all of them by one number")
        _check_labels(f"{where}: {name}_y", y, len(x), classes)


def _check_labels(of: str, y: NDArray[Any], count: int, classes: tuple[str, ...]) -> None:
    if y.dtype.kind not in "iu" or y.shape != (count,):
        raise DataError(f"{of} is {y.dtype} of shape {_shape(y)}: {count} whole numbers are needed")
    if outside := sorted(set(np.unique(y).tolist()) - set(range(len(classes)))):
        raise DataError(f"{of} holds the label {outside[0]}: labels are 0 to {len(classes) - 1}")
    check_present(of, y, classes)


def check_classes(where: str, names: tuple[str, ...]) -> None:
    """Raise `DataError` unless there are classes to tell apart, and labels for them in a byte."""
    if not 2 <= len(set(names)) == len(names) <= MOST_CLASSES:
        raise DataError(f"{where}: 2 to {MOST_CLASSES} classes are needed, no two of one name")


def numbered(labels: NDArray[Any]) -> tuple[str, ...]:
    """Return the names of classes that have none: 0 to the largest label, as far as a byte holds them."""
    largest = int(labels.max()) if labels.dtype.kind in "iu" and labels.size else MOST_CLASSES
    return tuple(map(str, range(min(largest + 1, MOST_CLASSES))))


def check_present(where: str, y: NDArray[Any], classes: tuple[str, ...]) -> None:
    """Raise `DataError` if a class has no example."""
    if empty := sorted(set(range(len(classes))) - set(np.unique(y).tolist())):
        raise DataError(f"{where}: no example of class {classes[empty[0]]}; add some, or leave the class out")


def _shape(array: NDArray[Any]) -> str:
    return "x".join(map(str, array.shape)) or "no side"
