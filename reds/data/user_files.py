"""A user's own data, an .npz or a folder of pictures, as examples like those of every other set.

Bytes, uint8, are pixels: less 128 they are int8, as in every set of pictures; they mean 64ths, and 0 lies at
the median of the training part, black where pictures are mostly black. Other numbers keep their unit: 254
steps reach from the 0.01th to the 99.99th percentile of the training part, and to 0. One scale holds for all
features, so those of unlike magnitude are to be standardized beforehand. What padding writes is 0.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reds.data.npz import read_npz
from reds.data.images import cut, to_int8
from reds.data.checks import Raw, check_present
from reds.data.catalog import SETS, Data, DataSpec
from reds.errors import DataError
from reds.quantization.calibrate import range_scale

HELD_OUT = 0.1
"""Share of every class of the training part that validates, where no validation part is given."""
LABELED = 1000
"""Most test examples that boards are held to."""
PERCENTILES = (0.01, 99.99)
LEAST_RANGE = 0.1
"""Of what is much smaller, a norm's epsilon would leave nothing."""
LEAST_SHARE = 1 / 8
"""Of the 254 steps, that the features reach over; far from 0 they would be one value."""
_SEED = 0

Stored = Callable[[NDArray[Any]], NDArray[np.int8]]


def load_user_data(path: Path, seed: int) -> Data:
    """The examples of a file or folder; the seed cuts off the validation part.

    Raises `DataError` if it is not there or any of it is not usable.
    """
    if path.is_dir():
        from reds.data.folder import read_folder  # needs Pillow

        raw = read_folder(path)
    elif path.is_file():
        raw = read_npz(path)
    else:
        known = f"[data] set is one of {', '.join(SETS)}, or the place of your own .npz or folder"
        raise DataError(f"{path}: no such file or folder: {known}, relative to the recipe")
    return to_data(raw, path, path.resolve().name.removesuffix(".npz"), seed)


def to_data(raw: Raw, where: str | Path, name: str, seed: int) -> Data:
    """Return raw examples in int8, with a validation part.

    Args:
        raw: Checked examples.
        where: Names them in errors.
        name: Of the set.
        seed: Cuts off the validation part, where none is given.

    Raises:
        DataError: int8 cannot tell the features apart, or a class is left without training examples.
    """
    scale, zero, as_int8 = _storage(where, raw.parts["train"].x)
    parts = {part: (as_int8(x), y.astype(np.uint8)) for part, (x, y) in raw.parts.items()}
    (x, y), (test_x, test_y) = parts["train"], parts["test"]
    if "validation" in parts:
        held_x, held_y, how = *parts["validation"], "validation part as given"
    else:
        held = cut(y, HELD_OUT, seed)
        held_x, held_y, x, y = x[held], y[held], x[~held], y[~held]
        how = f"{HELD_OUT:.0%} of every class of the training part validate, seed {seed}"
        check_present(f"{where}: what is left to train on", y, raw.classes)
    mixed = np.random.default_rng(_SEED).permutation(len(test_y))  # the first ones shall be of all classes
    return Data(
        _data_set(raw, name, scale, zero), x[None], y, held_x, held_y, test_x[mixed], test_y[mixed],
        {raw.source: raw.sha256}, f"{raw.split}; {how}",
    )  # fmt: skip


def _data_set(raw: Raw, name: str, scale: float, zero: int) -> DataSpec:
    """Return what is known of the set; no other data have the name of its labeled file."""
    x, _ = raw.parts["test"]
    rows, columns, units = x.shape[1:]
    file = f"{name}-{raw.sha256[:8]}-test.npz"
    return DataSpec(name, (rows, columns, units), raw.classes, scale, zero, min(LABELED, len(x)), file)


def _storage(where: str | Path, train_x: NDArray[Any]) -> tuple[float, int, Stored]:
    """Scale and zero point of the features, and what makes them int8."""
    if train_x.dtype == np.uint8:
        return 1 / 64, int(np.median(to_int8(train_x))), to_int8
    low, high = (float(end) for end in np.percentile(train_x.astype(np.float32), PERCENTILES))
    if low == high:  # but for a few
        low, high = float(train_x.min()), float(train_x.max())
    ends = min(low, 0.0), max(high, 0.0)
    if high - low < max(LEAST_RANGE, LEAST_SHARE * (ends[1] - ends[0])):
        lie = f"the training part's features lie between {low:g} and {high:g}, which int8 cannot tell apart"
        raise DataError(f"{where}: {lie}: subtract one number from all features, or multiply them by one")
    scale = range_scale(*ends)
    return scale.scale, scale.zero, lambda x: scale.stored(torch.from_numpy(x.astype(np.float32)))
