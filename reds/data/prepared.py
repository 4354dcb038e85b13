"""Training clips from features prepared elsewhere, for machines that cannot reach the archive.

The file holds `x` int8 [variants, N, 49, 10] and `y` of clips that share no speaker with the shipped test
clips (fixtures/README.md). It has no validation part: the same number of clips of every class is set aside,
because the test set is balanced and the file is not.
"""

from pathlib import Path

import numpy as np

from reds.data.home import DataError, check_sha256
from reds.data.speech import CLASSES, SpeechData

FILE = "kws12_train.npz"
SHA256 = "db7bc0b523d395a8134eb5f52edb2a0ed1120a1e246fd093efcbfd45e0a49dfd"
VALIDATION_PER_CLASS = 40
_SPLIT_SEED = 2311


def load_prepared(folder: Path, sha256: str = SHA256) -> SpeechData:
    """Training and validation clips; the split is the same for every seed of a recipe.

    Raises `DataError` if the file is missing, has another checksum or other classes.
    """
    path = folder / FILE
    if not path.is_file():
        raise DataError(f"{path} is missing: set REDS_DATA to the folder that holds {FILE}")
    check_sha256(path, sha256)
    with np.load(path, allow_pickle=False) as file:
        x, y, classes = file["x"], file["y"], tuple(file["classes"].tolist())
    if classes != CLASSES:
        raise DataError(f"{path}: classes are {', '.join(classes)}")
    mixed = np.random.default_rng(_SPLIT_SEED).permutation(len(y))
    held = np.concatenate([mixed[y[mixed] == c][:VALIDATION_PER_CLASS] for c in range(len(CLASSES))])
    train = np.setdiff1d(mixed, held)
    return SpeechData(x[:, train], y[train], x[0, held], y[held], f"{FILE} sha256 {sha256}")
