"""Read a `.tflite` file that --pack names, and the labeled examples beside it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.errors import SetupError
from reds.data.arrays import read_arrays
from reds.reading import read_regular, reason

SUFFIX = ".tflite"
_MOST_BYTES = 1 << 28
_IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of a `.tflite` file."""
_MOST_EXAMPLES = 1 << 28
"""Most bytes of the labeled examples."""


@dataclass(frozen=True)
class TfliteFile:
    """A user's own `.tflite` file.

    Attributes:
        name: Name of the file without its suffix.
        content: Its bytes.
        sha256: Their checksum.
        x: Labeled examples, [N, ...]; none if there is no NAME.npz beside the file.
        y: Class of each example, [N].
    """

    name: str
    content: bytes
    sha256: str
    x: NDArray[Any]
    y: NDArray[np.int64]

    @property
    def subnets(self) -> tuple[str, ...]:
        """Return the one name of what it holds."""
        return ("whole",)

    @property
    def inputs_are(self) -> str:
        """Describe the examples."""
        return (
            f"{len(self.y):,} labeled examples"
            if len(self.y)
            else f"no examples (no {self.name}.npz beside it)"
        )


def load(path: Path) -> TfliteFile:
    """Read a file, and NAME.npz beside it, if there is one: arrays `x`, the examples, and `y`, their classes.

    Raises:
        SetupError: The file is no `.tflite` file, or the arrays do not belong together.
        DataError: The examples cannot be read.
    """
    try:
        content = read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {reason(error)}; name a .tflite file") from error
    if content[4:8] != _IDENTIFIER:
        raise SetupError(f"{path}: not a .tflite file, as bytes 4 to 7 are not TFL3; export it again")
    x, y = np.zeros((0, 1), np.float32), np.zeros(0, np.int64)
    beside = path.with_suffix(".npz")
    if beside.exists():
        arrays = read_arrays(beside, _MOST_EXAMPLES)
        if not arrays.keys() >= {"x", "y"}:
            raise SetupError(f"{beside}: arrays {', '.join(sorted(arrays))}; `x` and `y` are needed")
        x, y = arrays["x"], arrays["y"]
        if (
            y.ndim != 1
            or y.dtype.kind not in "iu"
            or x.ndim < 2
            or len(x) != len(y)
            or x.dtype.kind not in "iuf"
        ):
            shapes = f"x is {x.dtype} {list(x.shape)}, y is {y.dtype} {list(y.shape)}"
            raise SetupError(f"{beside}: {shapes}; numbers [N, ...] and whole numbers [N] are needed")
        if not np.isfinite(x).all():
            raise SetupError(f"{beside}: x holds values that are not finite; replace them")
        if y.min(initial=0) < 0:
            raise SetupError(f"{beside}: y holds {y.min()}; number the classes from 0, as the outputs are")
    return TfliteFile(path.stem, content, hashlib.sha256(content).hexdigest(), x, y.astype(np.int64))
