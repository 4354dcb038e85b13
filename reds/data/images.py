"""Images as int8, with a validation part cut off the training images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.catalog import Data, DataSpec
from reds.pack.model import LIMIT

VALIDATION_SHARE = 0.05
"""Share of every class of the training images that becomes the validation part."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Images:
    """Hold a data set in its official order: pixels uint8 [N, rows, columns, units], labels uint8 [N]."""

    train_x: Pixels
    train_y: Pixels
    test_x: Pixels
    test_y: Pixels
    files: Mapping[str, str]
    """sha256 of the files that were read, by name."""


def split(spec: DataSpec, images: Images, seed: int) -> Data:
    """Return training, validation and test examples in int8.

    Args:
        spec: The data set.
        images: All its images.
        seed: Chooses the validation images; the same seed chooses the same ones.
    """
    y = images.train_y
    held, x = sample_share(y, VALIDATION_SHARE, seed), to_int8(images.train_x)
    validation = f"{VALIDATION_SHARE:.0%} of every class of the training part validate, seed {seed}"
    return Data(
        spec, x[None, ~held], y[~held], x[held], y[held], to_int8(images.test_x), images.test_y,
        images.files, f"official test part; {validation}",
    )  # fmt: skip


def sample_share(y: NDArray[np.integer[Any]], share: float, seed: int) -> NDArray[np.bool_]:
    """Choose a random share of every class, at least one example of each.

    Args:
        y: Labels [N].
        share: Share of each class, 0 to 1.
        seed: Chooses the examples.

    Returns:
        Which examples are chosen, bool [N].
    """
    rng, chosen = np.random.default_rng(seed), np.zeros(len(y), bool)
    for label in np.unique(y):
        of_class = rng.permutation(np.flatnonzero(y == label))
        chosen[of_class[: max(1, round(share * len(of_class)))]] = True
    return chosen


def to_int8(pixels: Pixels) -> NDArray[np.int8]:
    """Return pixels less 128, in [-127, 127]; pixels 0 and 1 become one value."""
    return np.maximum(pixels.astype(np.int16) - 128, -LIMIT).astype(np.int8)
