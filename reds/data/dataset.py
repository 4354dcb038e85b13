"""A user's own arrays or tensors as a data set: checked, split, and stored as a device reads them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.own_files import as_data
from reds.data.pictures import cut
from reds.data.raw import Part, Raw, check_classes, check_parts, numbered
from reds.data.sets import Data
from reds.errors import DataError

Array = Any
"""A numpy array or a torch tensor."""
Examples = tuple[Array, Array]
"""Features float [N, units, rows, columns] or [N, features], and labels int [N] from 0."""


@dataclass(frozen=True)
class Dataset:
    """Labeled examples to train on, to choose by, and to test once.

    Features are in the order of axes that torch uses, and of the scale that the network reads. The device is
    given them in int8: 254 steps from the 0.01th to the 99.99th percentile of the training part, and 0.

    Attributes:
        train: Features float [N, units, rows, columns] or [N, features], and labels int [N] from 0.
        test: The same of the test part, which is read once, after everything is chosen.
        validation: The same of the validation part; by default a tenth of every class of the training part.
        classes: Names of the labels; by default the labels.

    Raises:
        DataError: An array has another shape or type, holds what is not finite, or a class has no example.
    """

    train: Examples
    test: Examples
    validation: Examples | None = None
    classes: Sequence[str] | None = None

    def __post_init__(self) -> None:
        self.raw()

    @classmethod
    def split(
        cls, x: Array, y: Array, *, test: float = 0.2, validation: float = 0.1, seed: int = 0,
        classes: Sequence[str] | None = None,
    ) -> "Dataset":  # fmt: skip
        """Split one array of examples; of every class the same share.

        Args:
            x: Features float [N, units, rows, columns] or [N, features].
            y: Labels int [N] from 0.
            test: Share of the examples that tests.
            validation: Share of the other examples that validates.
            seed: Of the split.
            classes: Names of the labels; by default the labels.

        Raises:
            DataError: As `Dataset`; or a share is not between 0 and 1.
        """
        for name, share in (("test", test), ("validation", validation)):
            if not 0 < share < 1:
                raise DataError(f"{name} is {share:g}: a share between 0 and 1 is needed")
        x, y = _numpy(x), _numpy(y)
        if len(x) != len(y):
            raise DataError(f"x holds {len(x)} examples, y {len(y)} labels: one label for each is needed")
        tests = cut(y, test, seed)
        rest_x, rest_y = x[~tests], y[~tests]
        held = cut(rest_y, validation, seed + 1)
        return cls(
            (rest_x[~held], rest_y[~held]), (x[tests], y[tests]), (rest_x[held], rest_y[held]), classes
        )

    def raw(self) -> Raw:
        """Return the parts as checked numpy arrays, units innermost."""
        given = {"train": self.train, "test": self.test, "validation": self.validation}
        parts = {name: _part(name, pair) for name, pair in given.items() if pair is not None}
        classes = numbered(parts["train"].y) if self.classes is None else tuple(self.classes)
        check_classes("Dataset", classes)
        check_parts("Dataset", parts, classes)
        digest = hashlib.sha256()
        for name, (x, y) in parts.items():
            digest.update(f"{name} {x.shape} {x.dtype}".encode())
            digest.update(np.ascontiguousarray(x).tobytes() + np.ascontiguousarray(y).tobytes())
        return Raw(parts, classes, digest.hexdigest(), "arrays", "test part as given")

    def stored(self, name: str, seed: int = 0) -> Data:
        """Return the examples in int8, as the set `name`; `seed` cuts off a validation part if none is given.

        Raises:
            DataError: int8 cannot tell the features apart.
        """
        return as_data(self.raw(), "Dataset", name, seed)


def _part(name: str, pair: Examples) -> Part:
    """Return one part with its features [N, rows, columns, units]."""
    x, y = map(_numpy, pair)
    if x.dtype.kind != "f":
        raise DataError(
            f"Dataset: {name}: features are {x.dtype}, floating-point numbers of the scale that the network"
            " reads are needed: for pixels of 0 to 255, x / 255"
        )
    if x.ndim == 2 and x.size:
        return Part(x[:, None, None], y)
    if x.ndim == 4 and x.size:
        return Part(np.ascontiguousarray(np.moveaxis(x, 1, -1)), y)
    raise DataError(
        f"Dataset: {name}: features are of shape {list(x.shape)}: [N, units, rows, columns] or [N, features]"
        " is needed, none of them 0"
    )


def _numpy(array: Array) -> NDArray[Any]:
    """Return a tensor or an array-like as a numpy array."""
    if hasattr(array, "detach"):
        array = array.detach().cpu().numpy()
    return np.asarray(array)
