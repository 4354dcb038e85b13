"""Collect the examples of a data set of another library, known only by `len()` and `[i]`.

So are those of torchvision and of Hugging Face's `datasets`, and a subclass of `torch.utils.data.Dataset`. No
such library is imported here.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reds.errors import DataError
from reds.pack.array_like import array_of
from reds.reading import reason
from reds.text import shown

LABELS = ("label", "labels", "target")
"""Names of the label in an example that is a mapping, as Hugging Face's are."""


class MapStyle(Protocol):
    """A data set in torch's map style: `len(data)` examples `data[0]`, `data[1]`..."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Any: ...


def collect(name: str, data: MapStyle, keys: tuple[str, str] | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features float [N, units, rows, columns] or [N, features], and labels [N].

    Pictures become numbers from 0 to 1. If all of them are gray they have one unit, else three.

    Args:
        name: Name of the part, for errors.
        data: Gives `(x, y)`, or a mapping as `{"image": x, "label": y}`.
        keys: Names of features and label, where an example is a mapping with others.

    Raises:
        DataError: An example cannot be read, is no pair, or has another shape than the first.
    """
    try:
        count = len(data)
    except (TypeError, AttributeError, NotImplementedError):
        raise DataError(
            f"Dataset: {name} is {type(data).__name__}, which has no length: give a data set with len() and"
            " [i]; list(...) makes one of a stream"
        ) from None
    if not count:
        raise DataError(f"Dataset: {name} is empty: one example or more is needed")
    xs, ys = [], []
    for i in range(count):
        where = f"Dataset: {name}[{i}]"
        try:
            example = data[i]
        except Exception as error:  # of a user's code or of a library, of any kind
            raise DataError(f"{where} cannot be read: {type(error).__name__}: {reason(error)}") from error
        x, y = _pair(where, example, keys)
        xs.append(_features(where, x))
        ys.append(_label(where, y))
    if odd := [i for i, y in enumerate(ys) if y.shape != ys[0].shape]:
        raise DataError(
            f"Dataset: {name}[{odd[0]}] has a label of shape {list(ys[odd[0]].shape)}, {name}[0] of"
            f" {list(ys[0].shape)}: one whole number for each example is needed"
        )
    return _stacked(name, xs), np.array(ys)


def common_classes(parts: Mapping[str, MapStyle], keys: tuple[str, str] | None) -> Sequence[str] | None:
    """Return the names of classes that the parts know, or None. Raises `DataError` if they differ."""
    known = {name: names for name, data in parts.items() if (names := _class_names(data, keys))}
    for name, names in known.items():
        first, expected = next(iter(known.items()))
        if names != expected:
            at = next(i for i, pair in enumerate(zip_longest(names, expected)) if pair[0] != pair[1])
            one, other = (shown(each[at]) if at < len(each) else "nothing" for each in (names, expected))
            raise DataError(
                f"Dataset: the label {at} is {one} in {name}, but {other} in {first}: number the classes of"
                " all parts alike, or give the names as classes="
            )
    return next(iter(known.values()), None)


def _class_names(data: MapStyle, keys: tuple[str, str] | None) -> tuple[str, ...] | None:
    """Return the names of classes that a data set of torchvision or Hugging Face knows, or None."""
    if isinstance(features := getattr(data, "features", None), Mapping):
        for key in keys[1:] if keys else LABELS:
            if names := getattr(features.get(key), "names", None):
                return tuple(names)
    names = getattr(data, "classes", None)
    return tuple(map(str, names)) if isinstance(names, list | tuple) and names else None


def _pair(where: str, example: Any, keys: tuple[str, str] | None) -> tuple[Any, Any]:
    """Return features and label of an example."""
    if isinstance(example, Mapping):
        names = keys or _names(where, list(example))
        if missing := [key for key in names if key not in example]:
            found = ", ".join(map(str, example))
            raise DataError(f"{where} has {found}, but no {missing[0]}: correct keys")
        return example[names[0]], example[names[1]]
    if isinstance(example, tuple | list) and len(example) == 2:
        return example[0], example[1]
    found = f"{type(example).__name__}" + (f" of {len(example)}" if isinstance(example, tuple | list) else "")
    raise DataError(f"{where} is {found}: a pair (x, y), or a mapping with a label, is needed")


def _names(where: str, found: list[Any]) -> tuple[str, str]:
    """Return the names of features and label, where only one pair of them is possible."""
    label = [key for key in LABELS if key in found]
    rest = [key for key in found if key not in label]
    if len(label) != 1 or len(rest) != 1:
        raise DataError(
            f"{where} has {', '.join(map(str, found))}: say which are features and label, as"
            " keys=('image', 'label')"
        )
    return rest[0], label[0]


def _features(where: str, x: Any) -> NDArray[Any]:
    """Return the features of one example, units first."""
    if hasattr(x, "getbands"):  # a Pillow image
        from reds.data.image_file import pixels_of  # needs Pillow

        return np.moveaxis(pixels_of(x, where), -1, 0) / np.float32(255)
    try:
        array = array_of(x)
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"{where} has features of type {type(x).__name__}: a tensor, an array or a picture is needed;"
            " give the data set a transform"
        )
    return array


def _label(where: str, y: Any) -> Any:
    """Return a label as a number, or as the texts and lists that are refused with all labels."""
    y = y.item() if hasattr(y, "item") and getattr(y, "size", 1) == 1 else y
    if isinstance(y, int | float | str) or hasattr(y, "__len__"):
        return np.asarray(y)
    raise DataError(f"{where} has the label {shown(y)}: a whole number from 0 is needed")


def _stacked(name: str, xs: list[NDArray[Any]]) -> NDArray[Any]:
    """Return features as one array; a gray example among colored ones gets three equal units."""
    units = max((len(x) for x in xs if x.ndim == 3), default=1)
    if units == 3:
        xs = [np.repeat(x, 3, 0) if x.ndim == 3 and len(x) == 1 else x for x in xs]
    for i, x in enumerate(xs):
        if (x.shape, x.dtype) != (xs[0].shape, xs[0].dtype):
            expected = f"{name}[0] is {xs[0].dtype} of shape {list(xs[0].shape)}"
            raise DataError(
                f"Dataset: {name}[{i}] is {x.dtype} of shape {list(x.shape)}, {expected}: one shape is"
                " needed; give the data set a transform, as torchvision.transforms.Resize((32, 32))"
            )
    return np.stack(xs)
