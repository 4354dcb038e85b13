"""Read a user's own data, an .npz file or a folder of images, in the form of every official data set.

`feature_scale` says how the features become int8.
"""

from pathlib import Path

import numpy as np

from reds.data.catalog import SETS, Data, DataSpec
from reds.data.checks import RawData, check_present
from reds.data.feature_scale import Storage, choose_storage
from reds.data.images import sample_share
from reds.data.npz import read_npz
from reds.errors import DataError
from reds.reading import reason
from reds.text import is_printable

VALIDATION_SHARE = 0.1
"""Share of every class of the training part that validates, if no validation part is given."""
LABELED = 1000
"""Most test examples that a bench checks accuracy on."""
_ORDER_SEED = 0
_NAME_BYTES = 200
"""Most bytes of a data set's name, which is part of the name of its labeled examples' file."""


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
        DataError: int8 would lose a feature, or a class is left without training examples.
    """
    storage = choose_storage(where, raw.parts["train"].x)
    parts = {part: (storage.to_int8(x), y.astype(np.uint8)) for part, (x, y) in raw.parts.items()}
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
        _spec(raw, name, storage), x[None], y, held_x, held_y, test_x[order], test_y[order],
        {raw.source: raw.sha256}, f"{raw.split}; {split}", storage.notes,
    )  # fmt: skip


def _spec(raw: RawData, name: str, storage: Storage) -> DataSpec:
    """Return the spec of the data set; the checksum makes its file name unique."""
    x, _ = raw.parts["test"]
    rows, columns, units = x.shape[1:]
    return DataSpec(
        name, (rows, columns, units), raw.classes, storage.scale, storage.zero, min(LABELED, len(x)),
        f"{name}-{raw.sha256[:8]}-test.npz", storage.standardization,
    )  # fmt: skip
