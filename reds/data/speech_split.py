"""Split Speech Commands into its official training, validation and test parts, in twelve classes.

A hash of the speaker's name decides the part of a clip (80/10/10), so that no speaker is in two parts and
none ever moves. "Unknown" and "silence" clips are each a tenth as many as the keyword clips of a part.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import PurePosixPath

import numpy as np

from reds.data.speech import CLASSES

KEYWORDS = CLASSES[:10]
SILENCE, UNKNOWN = CLASSES.index("_silence_"), CLASSES.index("_unknown_")
NOISE_FOLDER = "_background_noise_"
_HASH_RANGE = 2**27 - 1
_SHARE = 0.1
UNKNOWN_SEED = 59185
"""Seed that draws the unknown words of a part."""


@dataclass(frozen=True)
class Clip:
    """Describe one clip to make."""

    path: str | None
    """File in the archive; None for silence."""
    label: int
    """Index of its class."""


def which_set(path: str) -> str:
    """Return `training`, `validation` or `testing`, by the official hash of the speaker in a file name."""
    speaker = re.sub(r"_nohash_.*$", "", PurePosixPath(path).name)
    percent = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % (_HASH_RANGE + 1) * (100 / _HASH_RANGE)
    return "validation" if percent < 10 else "testing" if percent < 20 else "training"


def choose(paths: Iterable[str], part: str) -> list[Clip]:
    """Return the clips of one part, the same every time.

    Args:
        paths: All files of the archive, as `word/speaker_nohash_n.wav`.
        part: `training`, `validation` or `testing`.
    """
    of_part = sorted(path for path in paths if which_set(path) == part)
    words = [PurePosixPath(path).parts[-2] for path in of_part]
    named = list(zip(of_part, words, strict=True))
    known = [Clip(path, KEYWORDS.index(word)) for path, word in named if word in KEYWORDS]
    others = [path for path, word in named if word not in KEYWORDS]
    count = ceil(_SHARE * len(known))
    drawn = np.random.default_rng(UNKNOWN_SEED).permutation(len(others))[:count]
    unknown = [Clip(others[i], UNKNOWN) for i in sorted(drawn)]
    return known + unknown + [Clip(None, SILENCE)] * count
