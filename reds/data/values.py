"""Check what a network has to give for each example, where it is not a class."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import DataError
from reds.pack.scale import Standardization

LARGEST = 1e6
"""Largest magnitude of a value; float32 holds every whole number up to it."""


def checked_values(
    where: str | Path, given: Mapping[str, NDArray[Any]], counts: Mapping[str, int]
) -> dict[str, Any]:
    """Return the values of each part as float32 [N, outputs].

    Args:
        where: The file or object that holds them, for errors.
        given: For each part its values, numbers [N] or [N, outputs].
        counts: For each part its number of examples.

    Raises:
        DataError: A part has another shape or type, or values that are not finite or too large, or no value
            of the training part varies.
    """
    found = {}
    for name, y in given.items():
        array = f"{where}: {name}_y"
        if y.dtype.kind not in "iuf" or y.ndim not in (1, 2) or len(y) != counts[name] or not y.size:
            raise DataError(
                f"{array} is {y.dtype} of shape {list(y.shape)}: numbers [{counts[name]}] or [{counts[name]},"
                " outputs] are needed"
            )
        if not np.isfinite(y).all() or np.abs(y.astype(np.float64)).max() > LARGEST:
            raise DataError(
                f"{array} holds values that are not finite or beyond {LARGEST:g}: replace them, or give them"
                " in another unit"
            )
        found[name] = y.reshape(len(y), -1).astype(np.float32)
    sizes = {name: y.shape[1] for name, y in found.items()}
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{name} {n}" for name, n in sizes.items())
        raise DataError(f"{where}: the parts have different numbers of values: {each}: give each as many")
    if not np.ptp(found["train"], axis=0).any():
        raise DataError(f"{where}: train_y does not vary: give values that differ between examples")
    return found


def check_anomalies(where: str | Path, given: Mapping[str, NDArray[Any]], counts: Mapping[str, int]) -> None:
    """Check the labels of parts of which a network gives back the usual examples.

    Args:
        where: The file or object that holds them, for errors.
        given: For each part its labels [N]: 1 for an odd example, 0 for a usual one.
        counts: For each part its number of examples.

    Raises:
        DataError: A label is missing or is neither 0 nor 1, an odd example is not in the test part, or the
            test part lacks one of both.
    """
    for name, y in given.items():
        array = f"{where}: {name}_y"
        if y.dtype.kind not in "biu" or y.shape != (counts[name],) or not np.isin(y, (0, 1)).all():
            raise DataError(
                f"{array} is {y.dtype} of shape {list(y.shape)}: {counts[name]} labels are needed, 1 for an"
                " odd example and 0 for a usual one"
            )
        if name != "test" and y.any():
            raise DataError(
                f"{array} holds {int(y.sum())} odd examples: a net learns from usual ones alone; move the"
                " odd ones to the test part"
            )
    odd = int(given["test"].sum())
    if not 0 < odd < counts["test"]:
        raise DataError(
            f"{where}: test_y holds {odd} odd examples of {counts['test']}: the AUC needs odd and usual ones"
        )


def standardization_of(y: NDArray[Any]) -> Standardization:
    """Return mean and deviation of each value [N, outputs]; the deviation is 1 where none varies."""
    deviation = y.std(0, dtype=np.float64)
    deviation[deviation == 0] = 1
    return Standardization(tuple(y.mean(0, dtype=np.float64).tolist()), tuple(deviation.tolist()))
