"""Read a user's own data in the form of every official data set.

How features become int8:
- uint8 values are pixels. Less 128 they are int8, a step means 1/64, and the zero point is the median of the
  training part: black for images that are mostly black.
- Other numbers keep their unit. 254 steps span the 0.01th to the 99.99th percentile of the training part,
  and 0, which padding writes.

All features share one scale, so features of unlike magnitude have to be standardized beforehand.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.catalog import Data, DataSpec
from reds.data.checks import RawData, check_present
from reds.data.images import sample_share, to_int8
from reds.data.leaks import leak_notes
from reds.data.options import DataOptions
from reds.data.own import own_name, read_own
from reds.errors import DataError
from reds.pack.scale import range_scale

VALIDATION_SHARE = 0.1
"""Share of every class of the training part that validates, if no validation part is given."""
LABELED = 1000
"""Most test examples that a bench checks accuracy on."""
PERCENTILES = (0.01, 99.99)
LEAST_RANGE = 0.1
"""Smallest range of features. With a smaller one the variance would vanish beside a batch norm's epsilon."""
LEAST_SHARE = 1 / 8
"""Smallest share of the 254 steps that the features must span. Features that lie far from 0 compared with
their range would all be stored as a few values."""
_ORDER_SEED = 0

ToInt8 = Callable[[NDArray[Any]], NDArray[np.int8]]


def load_user_data(path: Path, seed: int, options: DataOptions | None = None) -> Data:
    """Read the examples of an .npz or .csv file, or of a folder of pictures, sounds or .csv files.

    Args:
        path: The file or folder.
        seed: Chooses the validation part, if none is given.
        options: How to read sounds and time series, and how to split by group; by default as in a recipe.

    Raises:
        DataError: The path does not exist, or its examples cannot be used.
    """
    name = own_name(path)
    return to_data(read_own(path, options or DataOptions(name), seed), path, name, seed)


def to_data(raw: RawData, where: str | Path, name: str, seed: int) -> Data:
    """Store raw examples as int8, with a validation part.

    Args:
        raw: Checked examples.
        where: The file or object that holds them, for errors.
        name: Name of the data set.
        seed: Chooses the validation part, if none is given.

    Raises:
        DataError: The features are too alike for int8, or a class is left without training examples.
    """
    scale, zero, as_int8 = _storage(where, raw.parts["train"].x)
    parts = {part: (as_int8(x), y.astype(np.uint8)) for part, (x, y) in raw.parts.items()}
    (x, y), (test_x, test_y) = parts["train"], parts["test"]
    if "validation" in parts:
        (held_x, held_y), split = parts["validation"], raw.split
    else:
        held = sample_share(y, VALIDATION_SHARE, seed)
        held_x, held_y, x, y = x[held], y[held], x[~held], y[~held]
        cut = f"{VALIDATION_SHARE:.0%} of every class of the training part validate, seed {seed}"
        split = f"{raw.split}; {cut}"
        check_present(f"{where}: training part without the validation part", y, raw.classes)
    order = np.random.default_rng(_ORDER_SEED).permutation(len(test_y))  # labeled: the first, of all classes
    return Data(
        _spec(raw, name, scale, zero), x[None], y, held_x, held_y, test_x[order], test_y[order],
        {raw.source: raw.sha256}, split, raw.notes + leak_notes(raw.parts), raw.front_end,
    )  # fmt: skip


def _spec(raw: RawData, name: str, scale: float, zero: int) -> DataSpec:
    """Return the spec of the data set; the checksum makes its file name unique."""
    x, _ = raw.parts["test"]
    rows, columns, units = x.shape[1:]
    file = f"{name}-{raw.sha256[:8]}-test.npz"
    return DataSpec(name, (rows, columns, units), raw.classes, scale, zero, min(LABELED, len(x)), file)


def _storage(where: str | Path, train_x: NDArray[Any]) -> tuple[float, int, ToInt8]:
    """Return scale and zero point of the features, and the function that stores them as int8."""
    if train_x.dtype == np.uint8:
        return 1 / 64, int(np.median(to_int8(train_x))), to_int8
    low, high = (float(end) for end in np.percentile(train_x.astype(np.float32), PERCENTILES))
    if low == high:  # all but a few values are equal
        low, high = float(train_x.min()), float(train_x.max())
    ends = min(low, 0.0), max(high, 0.0)
    if high - low < max(LEAST_RANGE, LEAST_SHARE * (ends[1] - ends[0])):
        raise DataError(
            f"{where}: the training part's features lie between {low:g} and {high:g}, which int8 cannot tell"
            " apart: subtract one number from all features, or multiply them by one, so that they span 0.1 or"
            " more around 0"
        )
    scale = range_scale(*ends)
    return scale.scale, scale.zero, lambda x: scale.stored(x.astype(np.float32))
