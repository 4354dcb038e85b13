"""Images as int8, with a validation part cut from the training pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.catalog import Data, DataSpec
from reds.pack.model import LIMIT

HELD_OUT = 0.05
"""Share of every class of the training pictures that validates."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Images:
    """A data set in its official order: pixels uint8 [N, rows, columns, units], labels uint8 [N]."""

    train_x: Pixels
    train_y: Pixels
    test_x: Pixels
    test_y: Pixels
    files: Mapping[str, str]
    """What they were read from, by name, with its sha256."""


def split(data_set: DataSpec, pictures: Images, seed: int) -> Data:
    """Training, validation and test examples; the same seed cuts off the same pictures."""
    y = pictures.train_y
    held, x = cut(y, HELD_OUT, seed), to_int8(pictures.train_x)
    how = f"official test part; {HELD_OUT:.0%} of every class of the training part validate, seed {seed}"
    return Data(
        data_set, x[None, ~held], y[~held], x[held], y[held], to_int8(pictures.test_x), pictures.test_y,
        pictures.files, how,
    )  # fmt: skip


def cut(y: NDArray[np.integer[Any]], share: float, seed: int) -> NDArray[np.bool_]:
    """Which examples a share of every class of y [N] are, at least one of each; by the seed."""
    rng, chosen = np.random.default_rng(seed), np.zeros(len(y), bool)
    for label in np.unique(y):
        of_class = rng.permutation(np.flatnonzero(y == label))
        chosen[of_class[: max(1, round(share * len(of_class)))]] = True
    return chosen


def to_int8(pixels: Pixels) -> NDArray[np.int8]:
    """Pixels less 128, in [-127, 127]: 0 and 1 become one value."""
    return np.maximum(pixels.astype(np.int16) - 128, -LIMIT).astype(np.int8)
