"""List the official data sets, with the facts that are known before a download.

A recipe can thus be checked against its data without a download. `Data` is the form in which every loader
returns examples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.speech import CLASSES, COEFFICIENTS, FRAMES, SCALE, ZERO
from reds.pack.scale import UNCHANGED, Standardization
from reds.pack.task import Task

Labels = NDArray[np.unsignedinteger[Any]]
"""Labels [N]: uint8, or uint16 where there are more than 256 classes."""


@dataclass(frozen=True)
class DataSpec:
    """Describe a data set whose examples are int8 [rows, columns, units] with `real = (x - zero) * scale`.

    Real features are those that the net reads. They are the user's own, or those standardized.
    """

    name: str
    shape: tuple[int, int, int]
    """Rows, columns and units of an example."""
    classes: tuple[str, ...]
    scale: float
    zero: int
    """Stored value of the real 0, which padding writes."""
    labeled: int
    """Number of labeled examples, the first of the test part, that a bench checks accuracy on."""
    file: str
    """Name of the file of labeled examples, in the fixtures or beside a pack."""
    standardization: Standardization = UNCHANGED
    """Mean and deviation of each unit of the user's features; empty if the net reads them as they are."""
    task: Task = "classes"
    """Task of a net for these examples, which says what its outputs are."""
    targets: Standardization = UNCHANGED
    """Mean and deviation of each value that a net gives; it gives (value - mean) / deviation."""

    @property
    def outputs(self) -> int:
        """Return the number of outputs that a net for these examples has."""
        return {
            "classes": len(self.classes),
            "values": len(self.targets.mean),
            "anomalies": prod(self.shape),
        }[self.task]

    def thinned(self, every: int) -> tuple[int, int, int]:
        """Return the shape of an example of which every second, third... row is kept."""
        rows, columns, units = self.shape
        return len(range(0, rows, every)), columns, units

    def real(self, x: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the real features of stored int8 ones."""
        return (x.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)


@dataclass(frozen=True)
class Data:
    """Hold the training, validation and test examples of a data set; test examples are used only once.

    Features are int8 [N, rows, columns, units]. Labels of classes are [N], values standardized float32
    [N, outputs]. Labels of anomalies are uint8 [N], 1 for an odd example. All variants of one training
    example are in the training part.
    """

    set: DataSpec
    train_x: NDArray[np.int8]
    """int8 [variants, N, rows, columns, units]; variant 0 is the plain example."""
    train_y: NDArray[Any]
    validation_x: NDArray[np.int8]
    validation_y: NDArray[Any]
    test_x: NDArray[np.int8]
    test_y: NDArray[Any]
    files: Mapping[str, str]
    """sha256 of every file that decides which training examples these are, by file name."""
    split: str
    """Rules by which the examples of each part were chosen, with every salt and seed."""
    notes: tuple[str, ...] = ()
    """Sentences on the examples that a user should read."""
    front_end: Mapping[str, object] = field(default_factory=dict)
    """Steps from a sensor's samples to such features, for a device to repeat; empty if they are unknown."""


FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PERSON = ("non_person", "person")
"""In the order of MLPerf Tiny."""

SETS: Mapping[str, DataSpec] = {
    each.name: each
    for each in (
        DataSpec("speech-commands", (FRAMES, COEFFICIENTS, 1), CLASSES, SCALE, ZERO, 1859, "kws12-test.npz"),
        # The zero point is the background of the images: black for clothes, the mean for photographs.
        DataSpec("fashion-mnist", (28, 28, 1), FASHION, 1 / 64, -127, 1000, "fashion-mnist-test1000.npz"),
        DataSpec("cifar-10", (32, 32, 3), CIFAR, 1 / 64, -7, 1000, "cifar-10-test1000.npz"),
        DataSpec(
            "visual-wake-words", (96, 96, 3), PERSON, 1 / 64, -15, 1000, "visual-wake-words-test1000.npz"
        ),
    )
}
"""By the name that `[data] set` of a recipe takes."""
