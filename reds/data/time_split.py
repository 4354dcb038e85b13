"""Split windows of recordings in time: the last of every class test, and none overlaps another part."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import Part, check_present, given_rule
from reds.data.groups import TEST_SHARE, VALIDATION_SHARE


def split_in_time(
    where: str | Path, given: Mapping[str, Part], file: NDArray[np.str_], start: NDArray[np.int64],
    window: int, classes: tuple[str, ...],
) -> tuple[dict[str, Part], str]:  # fmt: skip
    """Cut the parts that are not given off the end of every class of the training part.

    Args:
        where: The recordings, for errors.
        given: `train`, and optionally `test`; N training windows in the order of files and time.
        file: File of each training window [N].
        start: First row of each training window [N].
        window: Rows of a window.
        classes: Names of the labels 0, 1, 2...

    Returns:
        The parts, and the rule in words.

    Raises:
        DataError: A class has too few windows.
    """
    parts, rule, left_out = dict(given), given_rule(given), 0
    x, y = given["train"]
    kept = np.ones(len(y), bool)
    shares = {"test": TEST_SHARE, "validation": VALIDATION_SHARE}
    for part, share in shares.items():
        if part in given:
            continue
        held = _last_of_each_class(y, kept, share)
        parts[part] = Part(x[held], y[held])
        overlapping = kept & ~held & _overlap(file, start, held, window)
        left_out += int(overlapping.sum())
        kept &= ~held & ~overlapping
        check_present(f"{where}: training part without the {part} part", y[kept], classes)
    parts["train"] = Part(x[kept], y[kept])
    cut = " and ".join(f"{shares[part]:.0%} {part}" for part in shares if part not in given)
    rule += "; " * bool(rule)
    return parts, f"{rule}the last windows of every class, {cut}; {left_out} that overlap them left out"


def _last_of_each_class(y: NDArray[Any], kept: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """Choose the last share of the kept windows of every class, at least one."""
    chosen = np.zeros(len(y), bool)
    for label in np.unique(y):
        of_class = np.flatnonzero(kept & (y == label))
        chosen[of_class[len(of_class) - max(1, round(share * len(of_class))) :]] = True
    return chosen


def _overlap(
    file: NDArray[np.str_], start: NDArray[np.int64], held: NDArray[np.bool_], window: int
) -> NDArray[np.bool_]:
    """Return which windows share a row with a held one."""
    found = np.zeros(len(start), bool)
    for name in np.unique(file[held]):
        inside, taken = file == name, np.sort(start[held & (file == name)])
        at = np.searchsorted(taken, start[inside] - window, side="right")
        found[inside] = (at < len(taken)) & (taken[np.minimum(at, len(taken) - 1)] < start[inside] + window)
    return found
