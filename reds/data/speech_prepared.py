"""Training clips from features prepared elsewhere, for machines that cannot reach the archive.

`kws12_train.npz` holds `x` int8 [variants, N, 49, 10], `y` and `src`. It shares no speaker with the shipped
test clips (fixtures/README.md), and has no validation part. Validation has to be of unseen speakers as the
test is: on speakers that were trained on, a dense net scores ten points more, and every choice made there
favors learning the speakers by heart. So the speakers are looked up, by the very features, in
`kws12_official_test.npz`, of which the clips with `src` 0 are one part, and some of them are held out with
all that they said.
"""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    """Training and validation clips; the split is the same for every seed of a recipe.

    Raises `DataError` if a file is missing, has another checksum or other classes.
    """
    path, speakers_path = folder / FILE, folder / SPEAKERS_FILE
    for wanted, checksum in ((path, sha256), (speakers_path, speakers_sha256)):
        if not wanted.is_file():
            raise DataError(f"{wanted} is missing: set REDS_DATA to the folder that holds {wanted.name}")
        check_sha256(wanted, checksum)
    with np.load(path, allow_pickle=False) as file:
        x, y, known, classes = file["x"], file["y"], file["src"] == 0, tuple(file["classes"].tolist())
    if classes != CLASSES:
        raise DataError(f"{path}: classes are {', '.join(classes)}")
    speakers = _speakers(speakers_path)
    held = np.array([k and held_out(speakers[clip.tobytes()]) for k, clip in zip(known, x[0], strict=True)])
    files = {FILE: sha256, SPEAKERS_FILE: speakers_sha256}
    return SpeechClips(x[:, ~held], y[~held], x[0, held], y[held], files, SPLIT)


def held_out(speaker: str) -> bool:
    """Whether a speaker validates: by a hash of the name, as in the official split."""
    return int(hashlib.sha1((_SALT + speaker).encode()).hexdigest(), 16) % 100 < HELD_OUT


def _speakers(path: Path) -> dict[bytes, str]:
    """Speaker of each clip, by its features; the test clips are left out."""
    with np.load(path, allow_pickle=False) as file:
        tune: NDArray[np.bool_] = file["is_tune"]
        clips, names = file["x"][tune], file["speaker"][tune].tolist()
    return {clip.tobytes(): name for clip, name in zip(clips, names, strict=True)}
