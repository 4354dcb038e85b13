"""Read a user's own data in the form of every official data set.

`feature_scale` says how the features become int8.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.catalog import Data, DataSpec
from reds.data.checks import RawData, check_present
from reds.data.feature_scale import Storage, choose_storage
from reds.data.images import sample_share
from reds.data.leaks import leak_notes
from reds.data.options import DataOptions
from reds.data.own import own_name, read_own
from reds.data.part_ranges import range_notes
from reds.data.values import standardization_of
from reds.pack.scale import UNCHANGED, Standardization

VALIDATION_SHARE = 0.1
"""Share of every class of the training part that validates, if no validation part is given."""
LABELED = 1000
"""Most test examples that a bench checks accuracy on."""
_ORDER_SEED = 0


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
        DataError: int8 would lose a feature, or a class is left without training examples.
    """
    storage = choose_storage(where, raw.parts["train"].x)
    targets = standardization_of(raw.parts["train"].y) if raw.task == "values" else UNCHANGED
    parts = {part: (storage.to_int8(x), _truth(y, targets)) for part, (x, y) in raw.parts.items()}
    (x, y), (test_x, test_y) = parts["train"], parts["test"]
    if "validation" in parts:
        (held_x, held_y), split = parts["validation"], raw.split
    else:
        classes = raw.task == "classes"
        strata = y.astype(np.uint8) if classes else np.zeros(len(y), np.uint8)
        held = sample_share(strata, VALIDATION_SHARE, seed)
        held_x, held_y, x, y = x[held], y[held], x[~held], y[~held]
        cut = (
            f"{VALIDATION_SHARE:.0%} of {'every class of ' * classes}the training part validate, seed {seed}"
        )
        split = f"{raw.split}; {cut}"
        if classes:
            check_present(f"{where}: training part without the validation part", y, raw.classes)
    notes = storage.notes + raw.notes + range_notes(raw.parts) + leak_notes(raw.parts)
    order = np.random.default_rng(_ORDER_SEED).permutation(len(test_y))  # labeled: the first, of all classes
    return Data(
        _spec(raw, name, storage, targets), x[None], y, held_x, held_y, test_x[order], test_y[order],
        {raw.source: raw.sha256}, split, notes, raw.front_end,
    )  # fmt: skip


def _truth(y: NDArray[Any], targets: Standardization) -> NDArray[Any]:
    """Return labels as uint8, or standardized values as float32."""
    return targets.apply(y).astype(np.float32) if targets.mean else y.astype(np.uint8)


def _spec(raw: RawData, name: str, storage: Storage, targets: Standardization) -> DataSpec:
    """Return the spec of the data set; the checksum makes its file name unique."""
    x, _ = raw.parts["test"]
    rows, columns, units = x.shape[1:]
    return DataSpec(
        name, (rows, columns, units), raw.classes, storage.scale, storage.zero, min(LABELED, len(x)),
        f"{name}-{raw.sha256[:8]}-test.npz", storage.standardization, raw.task, targets,
    )  # fmt: skip
