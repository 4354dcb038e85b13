"""The data sets there are, as far as they are known before anything is fetched; and what a loader gives."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reds.data.speech import CLASSES, COEFFICIENTS, FRAMES, SCALE, ZERO


@dataclass(frozen=True)
class DataSpec:
    """One data set. An example is int8 [rows, columns, units] and means `real = (x - zero) * scale`."""

    name: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    scale: float
    zero: int
    """What padding writes: the real value 0."""
    labeled: int
    """How many test examples, the first ones, boards are held to."""
    file: str
    """The file of these, in the fixtures or beside a pack."""

    def thinned(self, every: int) -> tuple[int, int, int]:
        """The shape of an example of which every second, third... row is kept."""
        rows, columns, units = self.shape
        return len(range(0, rows, every)), columns, units

    def real(self, x: NDArray[np.int8]) -> NDArray[np.float32]:
        """Features in their own unit, from int8."""
        return (x.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)


@dataclass(frozen=True)
class Data:
    """Examples to train on, to choose by, and to test once; all variants of one are on one side.

    `x` are int8 [N, rows, columns, units], of training examples [variants, N, rows, columns, units] with the
    plain one first; `y` are uint8 [N].
    """

    set: DataSpec
    train_x: NDArray[np.int8]
    train_y: NDArray[np.uint8]
    validation_x: NDArray[np.int8]
    validation_y: NDArray[np.uint8]
    test_x: NDArray[np.int8]
    test_y: NDArray[np.uint8]
    files: Mapping[str, str]
    """Every file that decides which training examples these are, by name, with its sha256."""
    split: str
    """How the examples of either side were chosen, with every salt and seed."""


FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PERSON = ("non_person", "person")
"""MLPerf Tiny order."""

SETS: Mapping[str, DataSpec] = {
    each.name: each
    for each in (
        DataSpec("speech-commands", (FRAMES, COEFFICIENTS, 1), CLASSES, SCALE, ZERO, 1859, "kws12-test.npz"),
        # Clothes lie on black, which is the zero point; photographs have their mean there.
        DataSpec("fashion-mnist", (28, 28, 1), FASHION, 1 / 64, -127, 1000, "fashion-mnist-test1000.npz"),
        DataSpec("cifar-10", (32, 32, 3), CIFAR, 1 / 64, -7, 1000, "cifar-10-test1000.npz"),
        DataSpec(
            "visual-wake-words", (96, 96, 3), PERSON, 1 / 64, -15, 1000, "visual-wake-words-test1000.npz"
        ),
    )
}
