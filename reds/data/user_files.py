"""Read a user's own data, an .npz file or a folder of images, in the form of every official data set.

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

from reds.data.catalog import SETS, Data, DataSpec
from reds.data.checks import RawData, check_present
from reds.data.images import sample_share, to_int8
from reds.data.npz import read_npz
from reds.errors import DataError
from reds.pack.scale import range_scale
from reds.reading import reason
from reds.text import is_printable

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
_NAME_BYTES = 200
"""Most bytes of a data set's name, which is part of the name of its labeled examples' file."""

ToInt8 = Callable[[NDArray[Any]], NDArray[np.int8]]


def load_user_data(path: Path, seed: int) -> Data:
    """Read the examples of an .npz file or of a folder of images.

    Args:
        path: The file or folder.
        seed: Chooses the validation part, if none is given.

    Raises:
        DataError: The path does not exist, or its examples cannot be used.
    """
    try:
        name = path.resolve(strict=True).name.removesuffix(".npz")
        folder = path.is_dir()
    except FileNotFoundError:
        known = ", ".join(SETS)
        raise DataError(
            f"{path}: no such file or folder: [data] set is one of {known}, or the path of your own .npz or"
            " folder, relative to the recipe"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a link to itself
        raise DataError(f"{path}: cannot be read: {reason(error)}; name an .npz file or a folder") from None
    if not is_printable(name) or len(name.encode()) > _NAME_BYTES:
        raise DataError(f"{path}: a printable name of up to {_NAME_BYTES} bytes is needed: rename it")
    if folder:
        from reds.data.folder import read_folder  # needs Pillow

        return to_data(read_folder(path), path, name, seed)
    return to_data(read_npz(path), path, name, seed)


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
        held_x, held_y, split = *parts["validation"], "validation part as given"
    else:
        held = sample_share(y, VALIDATION_SHARE, seed)
        held_x, held_y, x, y = x[held], y[held], x[~held], y[~held]
        split = f"{VALIDATION_SHARE:.0%} of every class of the training part validate, seed {seed}"
        check_present(f"{where}: training part without the validation part", y, raw.classes)
    order = np.random.default_rng(_ORDER_SEED).permutation(len(test_y))  # labeled: the first, of all classes
    return Data(
        _spec(raw, name, scale, zero), x[None], y, held_x, held_y, test_x[order], test_y[order],
        {raw.source: raw.sha256}, f"{raw.split}; {split}",
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
