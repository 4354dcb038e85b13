"""Turn a user's arrays or tensors into a data set: check, split and store them as int8 device inputs."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.catalog import Data
from reds.data.checks import (
    Part,
    RawData,
    check_classes,
    check_seed,
    checked_parts,
    given_rule,
    numbered_classes,
)  # fmt: skip
from reds.data.collect import collect
from reds.data.groups import group_share
from reds.data.images import sample_share
from reds.data.labels import check_whole_labels
from reds.data.map_style import MapStyle, check_map_style, common_classes
from reds.data.options import DataOptions, SeriesOptions, SoundOptions
from reds.data.own import NAME_BYTES, own_name, read_own
from reds.data.user_files import to_data
from reds.errors import DataError
from reds.pack.array_like import array_of
from reds.pack.task import TASKS, Task
from reds.reading import names_a_file, user_path
from reds.text import printable, shown

Array = Any
"""A numpy array or a torch tensor."""
Examples = tuple[Array, Array]
"""Features float [N, units, rows, columns] or [N, features], and labels int [N] from 0."""


SHAPES = "[N, units, rows, columns] or [N, features]"
LEAST_OF_A_CLASS = 3
"""Examples of a class that a split needs: each part has at least one."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Hold labeled examples for training, validation and test.

    Features have torch's order of axes and the scale that the network reads. A device reads them as int8, in
    254 steps that span the 0.01th to the 99.99th percentile of the training part, and 0.

    Attributes:
        train: Features float [N, units, rows, columns] or [N, features], and labels int [N] from 0, or what
            `task` needs.
        test: Features and labels of the test part, which is used once, after everything is chosen.
        validation: Features and labels of the validation part. By default it is a tenth of every class of
            the training part.
        classes: Names of the labels 0, 1, 2...; by default the numbers.
        origin: Set by `read`.
        task: `classes`; `values`, where y are numbers [N] or [N, outputs], as of a regression; or
            `anomalies`, where an autoencoder gives back usual examples, and y [N] is 1 for each odd example
            of the test part.

    Raises:
        DataError: An array has another shape or type, a value is not finite, or a class has no example.
    """

    train: Examples
    test: Examples
    validation: Examples | None = None
    classes: Sequence[str] | None = None
    origin: RawData | None = None
    task: Task = "classes"

    def __post_init__(self) -> None:
        self.raw()

    @classmethod
    def split(
        cls, x: Array, y: Array, *, test: float = 0.2, validation: float = 0.1, seed: int = 0,
        classes: Sequence[str] | None = None, groups: Array | None = None,
    ) -> "Dataset":  # fmt: skip
        """Split one array of examples at random, with the same share of every class in each part.

        With groups the shares are near, as a group is never divided.

        Args:
            x: Features float [N, units, rows, columns] or [N, features].
            y: Labels int [N] from 0.
            test: Share of the examples that become the test part.
            validation: Share of the other examples that become the validation part.
            seed: Seed of the split.
            classes: Names of the labels 0, 1, 2...; by default the numbers.
            groups: Speaker, patient or device of each example [N], texts or whole numbers. Each is in one
                part only.

        Raises:
            DataError: The examples cannot be used, a share is not between 0 and 1, or a class is in fewer
                than three groups.
        """
        for name, share in (("test", test), ("validation", validation)):
            if not isinstance(share, int | float) or not 0 < share < 1:
                raise DataError(f"Dataset.split: {name} is {shown(share)}: a share between 0 and 1 is needed")
        check_seed("Dataset.split", seed)
        x, y = _numpy("split", x), _numpy("split", y)
        if x.ndim < 2:
            shape = list(x.shape)
            raise DataError(f"Dataset.split: x has shape {shape}: {SHAPES} is needed")
        check_whole_labels("Dataset.split: y", y, len(x))
        if groups is not None:
            return cls._split_groups(x, y, _numpy("split", groups), (test, validation), seed, classes)
        few = min((int((y == label).sum()) for label in np.unique(y)), default=0)
        if few < LEAST_OF_A_CLASS:
            raise DataError(
                f"Dataset.split: a class has {few} examples: {LEAST_OF_A_CLASS} or more are needed, one for"
                " each part"
            )
        in_test = sample_share(y, test, seed)
        rest_x, rest_y = x[~in_test], y[~in_test]
        held = sample_share(rest_y, validation, seed + 1)
        return cls(
            (rest_x[~held], rest_y[~held]), (x[in_test], y[in_test]), (rest_x[held], rest_y[held]), classes
        )

    @classmethod
    def _split_groups(
        cls, x: NDArray[Any], y: NDArray[Any], groups: NDArray[Any], shares: tuple[float, float], seed: int,
        classes: Sequence[str] | None,
    ) -> "Dataset":  # fmt: skip
        """Split by group: `shares` are of the test part, and of the others for validation."""
        if groups.dtype == object and all(isinstance(group, str | int) for group in groups.flat):
            groups = groups.astype(str)  # as pandas gives texts
        if groups.shape != y.shape or groups.dtype.kind not in "iuU":
            found = f"{groups.dtype} of shape {list(groups.shape)}"
            raise DataError(f"Dataset.split: groups is {found}: a text or a whole number for each of the"
                            f" {len(y)} examples is needed")  # fmt: skip
        in_test = group_share("Dataset.split", y, groups, shares[0], seed, keep=2)
        held = np.zeros(len(y), bool)
        held[~in_test] = group_share("Dataset.split", y[~in_test], groups[~in_test], shares[1], seed + 1)
        train = ~in_test & ~held
        return cls((x[train], y[train]), (x[in_test], y[in_test]), (x[held], y[held]), classes)

    @classmethod
    def read(
        cls, path: str | Path, *, group: str | None = None, sounds: SoundOptions | None = None,
        series: SeriesOptions | None = None, seed: int = 0,
    ) -> "Dataset":  # fmt: skip
        """Read a file or folder, as `[data] set` of a recipe does.

        Pixels become numbers from 0 to 1.

        Args:
            path: An .npz or .csv file, or a folder of pictures, sounds or .csv files; `~` is the home folder.
            group: Regular expression that finds the group in the name of each file of a folder.
            sounds: How to turn sounds into features.
            series: How to cut time series into examples.
            seed: Chooses the validation part, where examples are split by group or by time.

        Raises:
            DataError: The path does not exist, or its examples cannot be used.
        """
        options = DataOptions(str(path), group=group, sounds=sounds or SoundOptions(),
                              series=series or SeriesOptions())  # fmt: skip
        check_seed("Dataset.read", seed)
        if not isinstance(path, str | os.PathLike):
            raise DataError(f"Dataset.read: path is {shown(path)}: the path of a file or a folder is needed")
        try:
            where = user_path(path)
        except ValueError as error:
            raise DataError(f"{printable(str(path))}: {error}") from None
        own_name(where)
        raw = read_own(where, options, seed)
        parts = {name: (_units_first(x), y) for name, (x, y) in raw.parts.items()}
        origin = replace(raw, parts={})
        return cls(parts["train"], parts["test"], parts.get("validation"), raw.classes, origin)

    @classmethod
    def from_examples(
        cls, train: MapStyle, test: MapStyle | None = None, validation: MapStyle | None = None, *,
        classes: Sequence[str] | None = None, keys: tuple[str, str] | None = None,
    ) -> "Dataset":  # fmt: skip
        """Collect the examples of data sets of torchvision, Hugging Face or your own, with `len()` and `[i]`.

        Pictures become numbers from 0 to 1, as torchvision's `ToTensor` makes them.

        Args:
            train: Gives `(x, y)`, or a mapping as `{"image": x, "label": y}`: x a tensor or array with units
                first or a Pillow image, y a whole number from 0.
            test: As `train`; it is needed.
            validation: As `train`; by default a tenth of every class of the training part.
            classes: Names of the labels 0, 1, 2...; by default those that `train` knows.
            keys: Names of features and label, where an example is a mapping with others.

        Raises:
            DataError: An example cannot be read, is no pair, or has another shape than the others.
        """
        if keys is not None and (isinstance(keys, str) or [*map(type, keys)] != [str, str]):
            raise DataError(f"Dataset: keys are {shown(keys)}: two names are needed, as ('image', 'label')")
        given: dict[str, MapStyle] = {"train": train}
        check_map_style("Dataset: train", train)
        if test is None:
            raise DataError(
                "Dataset: the test part is missing: give it after `train`; Dataset.split cuts one array of"
                " examples into parts"
            )
        given |= {"test": test, **({} if validation is None else {"validation": validation})}
        parts = collect(given, keys)
        names = common_classes(given, keys) if classes is None else classes
        return cls(parts["train"], parts["test"], parts.get("validation"), names)

    def raw(self) -> RawData:
        """Return the parts as checked numpy arrays, units innermost."""
        parts = {"train": _part("train", self.train), "test": _part("test", self.test)}
        if self.validation is not None:
            parts["validation"] = _part("validation", self.validation)
        classes = self._checked_classes(parts["train"])
        parts = checked_parts("Dataset", parts, classes, self.task)
        digest = hashlib.sha256("\0".join(classes).encode())
        for name, (x, y) in parts.items():
            digest.update(f"{name} {x.shape} {x.dtype}".encode())
            digest.update(np.ascontiguousarray(x).tobytes() + np.ascontiguousarray(y).tobytes())
        if self.origin is not None:
            return replace(self.origin, parts=parts)
        return RawData(parts, classes, digest.hexdigest(), "arrays", given_rule(parts), task=self.task)

    def _checked_classes(self, train: Part) -> tuple[str, ...]:
        """Return the names of the classes, none for another task."""
        if self.task not in TASKS:
            raise DataError(f"Dataset: task is {shown(self.task)}: one of {', '.join(TASKS)} is needed")
        if self.task != "classes":
            if self.classes is not None:
                raise DataError(f"Dataset: classes are given, and task is {self.task}: leave out one of both")
            return ()
        classes = numbered_classes(train.y) if self.classes is None else _names(self.classes)
        check_classes("Dataset", classes)
        return classes

    def stored(self, name: str, seed: int = 0) -> Data:
        """Return the examples in int8, as a data set called `name`.

        If no validation part is given, `seed` chooses one.

        Raises:
            DataError: The features are too alike for int8, or no file can have the name.
        """
        if not names_a_file(name, NAME_BYTES):
            raise DataError(
                f"Dataset.stored: name is {shown(name)}: a printable text of 1 to {NAME_BYTES} bytes that can"
                " name a file is needed"
            )
        check_seed("Dataset.stored", seed)
        return to_data(self.raw(), "Dataset", name, seed)


def _part(name: str, pair: object) -> Part:
    """Return one part with its features [N, rows, columns, units]."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        given = type(pair).__name__
        raise DataError(
            f"Dataset: {name} is {given}: features and labels are needed, as (x, y);"
            " Dataset.from_examples reads data sets of other libraries"
        )
    x, y = (_numpy(name, array) for array in pair)
    if x.dtype.kind != "f":
        raise DataError(
            f"Dataset: {name}: features are {x.dtype}: give floating-point numbers of the scale that the"
            " network reads, for pixels of 0 to 255 x / 255"
        )
    if x.ndim == 2 and x.size:
        return Part(x[:, None, None], y)
    if x.ndim == 4 and x.size:
        return Part(np.ascontiguousarray(np.moveaxis(x, 1, -1)), y)
    one_unit = "; x[:, None] is one unit of pictures, x[..., None] are units of series"
    one_unit = one_unit if x.ndim == 3 and x.size else ""
    found = f"Dataset: {name}: features have shape {list(x.shape)}"
    raise DataError(f"{found}: {SHAPES} is needed, with no side of 0{one_unit}")


def _units_first(x: NDArray[Any]) -> NDArray[Any]:
    """Return features as torch orders them, pixels from 0 to 1."""
    real = x / np.float32(255) if x.dtype == np.uint8 else x if x.dtype.kind == "f" else x.astype(np.float32)
    return real.reshape(len(x), -1) if x.shape[1:3] == (1, 1) else np.moveaxis(real, -1, 1)


def _names(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the classes, where numbers name them too."""
    if not isinstance(classes, Sequence | np.ndarray) or isinstance(classes, str):
        raise DataError(f"Dataset: classes are {classes!r}: a list of names is needed")
    for name in classes:
        if not isinstance(name, str | int | np.integer):
            raise DataError(f"Dataset: the class {name!r} is no name: name it by a text")
    return tuple(str(name) for name in classes)


def _numpy(where: str, array: Array) -> NDArray[Any]:
    """Return a tensor or an array-like as a numpy array. Raises `DataError` if it is neither."""
    try:
        return array_of(array)
    except ValueError as error:
        raise DataError(f"Dataset: {where}: {error}") from error
