"""Tell what kind of data set a user gave, of which library, and the names of its classes.

No such library is imported: its data sets are known by the attributes that its documentation names.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Protocol

from reds.errors import DataError
from reds.text import shown

LABELS = ("label", "labels", "target")
"""Names of the label in an example that is a mapping, as Hugging Face's are."""


class MapStyle(Protocol):
    """A data set in torch's map style: `len(data)` examples `data[0]`, `data[1]`..."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Any: ...


def check_map_style(where: str, data: MapStyle) -> None:
    """Check that something has a length and examples by number.

    Raises:
        DataError: It is a path, a loader, a stream or several parts, or it is empty.
    """
    kind = type(data).__name__
    if isinstance(data, str | bytes) or hasattr(data, "__fspath__"):
        raise DataError(
            f"{where} is the text {shown(str(data))}: give the data set itself; Dataset.read reads a file or"
            " folder"
        )
    if isinstance(data, Mapping):
        parts = ", ".join(map(str, data))
        raise DataError(f"{where} is {kind} of {parts}: give one part for each, as data['train']")
    if hasattr(data, "batch_sampler"):
        raise DataError(f"{where} is {kind}, which gives batches: give its data set, loader.dataset")
    try:
        count = len(data)
    except (TypeError, AttributeError, NotImplementedError):
        raise DataError(
            f"{where} is {kind}, which has no length: give a data set with len() and [i];"
            " list(itertools.islice(data, 10_000)) makes one of a stream"
        ) from None
    if not count:
        raise DataError(f"{where} is empty: one example or more is needed")


def unformatted(data: MapStyle, keys: tuple[str, str] | None) -> MapStyle:
    """Return a data set of Hugging Face whose examples keep their types, whatever its format; else itself.

    Pictures stay pictures, and numbers keep their precision. Raises `DataError` for a column of sounds.
    """
    features, form = getattr(data, "features", None), getattr(data, "format", None)
    if not isinstance(features, Mapping) or not isinstance(form, Mapping) or form.get("type") == "custom":
        return data
    columns = form.get("columns")
    kinds = {type(features.get(name)).__name__: name for name in keys or columns or ()}
    if "Audio" in kinds:
        raise DataError(
            f"Dataset: column {kinds['Audio']} holds sounds: write them to folders named after classes, which"
            " Dataset.read turns into features"
        )
    pictures = "Image" in kinds
    plain: MapStyle = data.with_format(None if pictures else "numpy", columns=columns)  # type: ignore[attr-defined]
    return plain


def common_classes(parts: Mapping[str, MapStyle], keys: tuple[str, str] | None) -> Sequence[str] | None:
    """Return the names of classes that the parts know, or None. Raises `DataError` if they differ."""
    known = [each for name, data in parts.items() for each in _class_names(name, data, keys)]
    for name, names in known:
        first, expected = known[0]
        if names != expected:
            at = next(i for i, pair in enumerate(zip_longest(names, expected)) if pair[0] != pair[1])
            one, other = (shown(each[at]) if at < len(each) else "nothing" for each in (names, expected))
            raise DataError(
                f"Dataset: the label {at} is {one} in {name}, but {other} in {first}: number the classes of"
                " all parts alike, or give the names as classes="
            )
    return known[0][1] if known else None


def _class_names(
    name: str, data: MapStyle, keys: tuple[str, str] | None
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the names of classes that a data set of torchvision or Hugging Face knows.

    Torch's `Subset` and `ConcatDataset` know what the data sets inside them do.

    Args:
        name: Name of the part.
        data: The data set.
        keys: Names of features and label.

    Returns:
        The place and the names of each data set that knows some.
    """
    if isinstance(inner := getattr(data, "datasets", None), list):
        inside = [_class_names(f"{name}.datasets[{i}]", each, keys) for i, each in enumerate(inner)]
        return [each for of_one in inside for each in of_one]
    if isinstance(features := getattr(data, "features", None), Mapping):
        for key in keys[1:] if keys else LABELS:
            if names := getattr(features.get(key), "names", None):
                return [(name, tuple(names))]
    names = getattr(data, "classes", None)
    if isinstance(names, list | tuple) and names:
        return [(name, tuple(map(str, names)))]
    if hasattr(data, "indices") and hasattr(data, "dataset"):
        return _class_names(f"{name}.dataset", data.dataset, keys)
    return []
