"""Load training clips from prepared features, on machines that cannot reach the official archive.

`kws12_train.npz` holds `x` int8 [variants, N, 49, 10], `y` and `src`. It shares no speaker with the shipped
test clips (fixtures/README.md) and has no validation part.

Validation needs speakers that are not trained on, as the test has. On known speakers a dense net scores ten
points more, so every choice would favor memorizing speakers. The file does not name its speakers. Its clips
with `src` 0 are also in `kws12_official_test.npz`, which does; equal features identify them. Some of these
speakers are held out with all their clips.
"""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.data.arrays import read_arrays
from reds.data.local_files import check_sha256
from reds.data.speech import CLASSES, SpeechClips
from reds.errors import DataError

FILE = "kws12_train.npz"
SHA256 = "db7bc0b523d395a8134eb5f52edb2a0ed1120a1e246fd093efcbfd45e0a49dfd"
SPEAKERS_FILE = "kws12_official_test.npz"
SPEAKERS_SHA256 = "5fbc5b2dad4bffca07e960dfce6351a22fbea122c19d93cd0da0adbf69abc2cc"
HELD_OUT = 16
"""Percent of the known speakers whose clips validate."""
_SALT = "b"  # gives every class about as many validation clips
SPLIT = f"a speaker named in {SPEAKERS_FILE} validates if sha1({_SALT!r} + name) % 100 < {HELD_OUT}"


def load_prepared(folder: Path, sha256: str = SHA256, speakers_sha256: str = SPEAKERS_SHA256) -> SpeechClips:
    """Return training and validation clips; the split is the same for every seed of a recipe.

    Args:
        folder: Folder that holds both files.
        sha256: Checksum of the training clips.
        speakers_sha256: Checksum of the file that names speakers.

    Raises:
        DataError: A file is missing, has another checksum or other classes.
    """
    path, speakers_path = folder / FILE, folder / SPEAKERS_FILE
    for wanted, checksum in ((path, sha256), (speakers_path, speakers_sha256)):
        if not wanted.is_file():
            raise DataError(f"{wanted} is missing: set REDS_DATA to the folder that holds {wanted.name}")
        check_sha256(wanted, checksum)
    clips = read_arrays(path)
    x, y, known, classes = clips["x"], clips["y"], clips["src"] == 0, tuple(clips["classes"].tolist())
    if classes != CLASSES:
        raise DataError(f"{path}: its classes are {', '.join(classes)}, expected {', '.join(CLASSES)}")
    speakers = _speakers(speakers_path)
    held = np.array(
        [named and held_out(speakers[clip.tobytes()]) for named, clip in zip(known, x[0], strict=True)]
    )
    files = {FILE: sha256, SPEAKERS_FILE: speakers_sha256}
    return SpeechClips(x[:, ~held], y[~held], x[0, held], y[held], files, SPLIT)


def held_out(speaker: str) -> bool:
    """Decide whether a speaker validates, by a hash of the name as in the official split."""
    return int(hashlib.sha1((_SALT + speaker).encode()).hexdigest(), 16) % 100 < HELD_OUT


def _speakers(path: Path) -> dict[bytes, str]:
    """Return the speaker of each clip by the bytes of its features, without the test clips."""
    arrays = read_arrays(path)
    not_test: NDArray[np.bool_] = arrays["is_tune"]
    clips, names = arrays["x"][not_test], arrays["speaker"][not_test].tolist()
    return {clip.tobytes(): name for clip, name in zip(clips, names, strict=True)}
