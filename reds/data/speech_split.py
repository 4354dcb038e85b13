"""Who trains and who validates: the split and the twelve classes of Speech Commands' own recipe.

Every clip's set follows from a hash of its speaker's name (80/10/10), so that no speaker is in two sets and
none ever moves. "Unknown" and "silence" clips are each a tenth of the keyword clips of a set.
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
DRAWN_WITH = 59185
"""The seed that draws the unknown words of a set."""


@dataclass(frozen=True)
class Clip:
    """One clip to make: its file in the archive (none for silence) and its class."""

    path: str | None
    label: int


def which_set(path: str) -> str:
    """`training`, `validation` or `testing`, by the official hash of the speaker in the file's name."""
    speaker = re.sub(r"_nohash_.*$", "", PurePosixPath(path).name)
    place = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % (_HASH_RANGE + 1) * (100 / _HASH_RANGE)
    return "validation" if place < 10 else "testing" if place < 20 else "training"


def choose(paths: Iterable[str], part: str) -> list[Clip]:
    """The clips of one set, from the archive's `word/speaker_nohash_n.wav` files; the same every time."""
    ours = sorted(path for path in paths if which_set(path) == part)
    words = [PurePosixPath(path).parts[-2] for path in ours]
    named = list(zip(ours, words, strict=True))
    known = [Clip(path, KEYWORDS.index(word)) for path, word in named if word in KEYWORDS]
    others = [path for path, word in named if word not in KEYWORDS]
    count = ceil(_SHARE * len(known))
    drawn = np.random.default_rng(DRAWN_WITH).permutation(len(others))[:count]
    unknown = [Clip(others[i], UNKNOWN) for i in sorted(drawn)]
    return known + unknown + [Clip(None, SILENCE)] * count
