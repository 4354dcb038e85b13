"""Check that labels are whole numbers from 0, and say how to make them so where they are not."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import DataError


def check_whole_labels(where: str, y: NDArray[Any], count: int) -> None:
    """Check that there is a whole number of 0 or more for each example.

    Args:
        where: The array, for errors.
        y: Labels of any type and shape.
        count: Number of examples.

    Raises:
        DataError: The labels are texts, truth values, fractions, one-hot rows, negative, or too few or many.
    """
    if y.dtype.kind in "iu" and y.shape == (count,) and (not count or y.min() >= 0):
        return
    found = f"{where} is {y.dtype} of shape {list(y.shape)}"
    if y.shape == (count, 1):
        remedy = f"{count} whole numbers are needed: flatten it with y[:, 0]"
    elif y.ndim == 2 and len(y) == count and y.dtype.kind in "biuf" and _is_one_hot(y):
        remedy = "its rows are one-hot, the number of the class is needed: give y.argmax(1)"
    elif y.shape != (count,):
        remedy = f"{count} whole numbers are needed, one for each example"
    elif y.dtype.kind == "O" and all(isinstance(label, Integral) for label in y):
        remedy = "objects are no labels: give y.astype(int)"
    elif y.dtype.kind in "USO":
        remedy = "texts are no labels: number them by classes, y = np.unique(y, return_inverse=True)"
    elif y.dtype.kind == "b" or (y.dtype.kind == "f" and np.array_equal(y, np.rint(y)) and y.min() >= 0):
        remedy = "whole numbers are needed: give y.astype(int)"
    elif y.dtype.kind in "iu" or (y.dtype.kind == "f" and np.array_equal(y, np.rint(y))):
        remedy = (
            f"it holds the label {y.min():g}: labels are 0, 1, 2...: number them anew with"
            " y = np.unique(y, return_inverse=True)[1], or remove the examples without a class"
        )
    else:
        remedy = "whole numbers are needed, the classes of the examples: fractions are no classes"
    raise DataError(f"{found}: {remedy}")


def _is_one_hot(y: NDArray[Any]) -> bool:
    return y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all())
