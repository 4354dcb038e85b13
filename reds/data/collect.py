"""Collect the examples of a data set of another library, known only by `len()` and `[i]`.

So are those of torchvision and of Hugging Face's `datasets`, and a subclass of `torch.utils.data.Dataset`. No
such library is imported here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.map_style import LABELS, MapStyle, check_map_style, unformatted
from reds.errors import DataError
from reds.pack.array_like import array_of
from reds.reading import reason
from reds.text import shown

_READ_TWICE = 16
"""Examples that are read twice, to find random transforms: flips of all agree once in 65,536 times."""


def collect(
    parts: Mapping[str, MapStyle], keys: tuple[str, str] | None
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Return features float [N, units, rows, columns] or [N, features], and labels [N], of each part.

    Pictures become numbers from 0 to 1. If all of a part are gray they have one unit, else three.

    Args:
        parts: Each gives `(x, y)`, or a mapping as `{"image": x, "label": y}`.
        keys: Names of features and label, where an example is a mapping with others.

    Raises:
        DataError: An example cannot be read, is no pair, has another shape than the first or differs when it
            is read again, or only some are pictures.
    """
    found, pictures = {}, []
    for name, data in parts.items():
        where = f"Dataset: {name}"
        check_map_style(where, data)
        data = unformatted(data, keys)
        pairs = [_pair(f"{where}[{i}]", _example(f"{where}[{i}]", data, i), keys) for i in range(len(data))]
        pictures += [(f"{name}[{i}]", _is_picture(x)) for i, (x, _) in enumerate(pairs)]
        xs = [_features(f"{where}[{i}]", x) for i, (x, _) in enumerate(pairs)]
        _check_fixed(where, xs[:_READ_TWICE], data, keys)
        found[name] = _stacked(name, xs), _labels(where, [y for _, y in pairs])
    first, is_picture = pictures[0]
    for other, differs in pictures:
        if differs != is_picture:
            kinds = [("an array", "a picture")[each] for each in (differs, is_picture)]
            raise DataError(
                f"Dataset: {other} is {kinds[0]}, {first} {kinds[1]}: give all examples one transform"
            )
    return found


def _example(where: str, data: MapStyle, i: int) -> Any:
    try:
        return data[i]
    except Exception as error:  # of a user's code or of a library, of any kind
        raise DataError(f"{where} cannot be read: {type(error).__name__}: {reason(error)}") from error


def _check_fixed(where: str, xs: list[NDArray[Any]], data: MapStyle, keys: tuple[str, str] | None) -> None:
    """Raise `DataError` if the first examples have other features when they are read again."""
    for i, x in enumerate(xs):
        place = f"{where}[{i}]"
        again = _features(place, _pair(place, _example(place, data, i), keys)[0])
        if not np.array_equal(x, again, equal_nan=True):
            raise DataError(
                f"{place} differs when it is read again, as by a random transform: give a fixed transform;"
                " augmentation= shifts, flips and mixes examples anew in each epoch"
            )


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


def _is_picture(x: Any) -> bool:
    """Return whether features are an image of Pillow."""
    return hasattr(x, "getbands")


def _features(where: str, x: Any) -> NDArray[Any]:
    """Return the features of one example, units first."""
    if _is_picture(x):
        from reds.data.image_file import pixels_of  # needs Pillow

        return np.moveaxis(pixels_of(x, where), -1, 0) / np.float32(255)
    try:
        array = array_of(x)
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error
    if array.dtype.kind in "iu":
        raise DataError(
            f"{where} has features of type {array.dtype}: give floating-point numbers of the scale that the"
            " network reads, for pixels by ToTensor() or v2.ToDtype(torch.float32, scale=True)"
        )
    if array.dtype.kind != "f":
        raise DataError(
            f"{where} has features of type {type(x).__name__}: a tensor, an array or a picture is needed;"
            " give the data set a transform, or name the columns with keys="
        )
    return array


def _labels(where: str, ys: list[Any]) -> NDArray[Any]:
    """Return labels [N], checked as far as the data set's library has a remedy of its own."""
    labels = [_label(f"{where}[{i}]", y) for i, y in enumerate(ys)]
    for i, y in enumerate(labels):
        if y.shape != labels[0].shape:
            raise DataError(
                f"{where}[{i}] has a label of shape {list(y.shape)}, [0] one of {list(labels[0].shape)}: one"
                " whole number for each example is needed"
            )
        if y.dtype.kind == "U":
            raise DataError(
                f"{where}[{i}] has the label {shown(str(y))}: number the classes from 0, as Hugging Face's"
                " data.class_encode_column('label') does"
            )
        if y.dtype.kind == "i" and y.ndim == 0 and y < 0:
            raise DataError(
                f"{where}[{i}] has the label {y}, as examples without a class have: remove them, or give"
                " another part"
            )
    return np.array(labels)


def _label(where: str, y: Any) -> NDArray[Any]:
    """Return a label as a number, or as the lists that are refused with all labels."""
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
