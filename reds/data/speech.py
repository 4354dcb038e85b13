"""Facts and form of the speech data: Speech Commands v0.02 in twelve classes, as int8 MFCC features."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "_silence_", "_unknown_")
"""In the order of MLPerf Tiny."""
SCALE, ZERO = 0.5847029089927673, 83
"""`real = (x - ZERO) * SCALE`: the input quantization of MLPerf Tiny's keyword spotting model."""
FRAMES, COEFFICIENTS = 49, 10


@dataclass(frozen=True)
class SpeechClips:
    """Hold training and validation clips; all variants of a clip are in one part."""

    train_x: NDArray[np.int8]
    """[variants, N, FRAMES, COEFFICIENTS]; variant 0 is clean, the others are shifted and noisy."""
    train_y: NDArray[np.uint8]
    validation_x: NDArray[np.int8]
    """[M, FRAMES, COEFFICIENTS], clean."""
    validation_y: NDArray[np.uint8]
    files: Mapping[str, str]
    """sha256 of every file that decides which clips these are, by name."""
    split: str
    """Rules by which the clips of each part were chosen, with every salt and seed."""
