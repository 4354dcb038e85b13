"""Real data sets of Hugging Face's `datasets`, made without a network and passed as they are."""

from collections.abc import Callable
from typing import Any

import datasets as hub
import numpy as np
import pytest
from PIL import Image

from reds import Dataset
from reds.errors import DataError

COUNT = 24
CLASSES = ("cat", "dog", "owl")
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (COUNT, 12, 10, 3), dtype=np.uint8)
PICTURES = [Image.fromarray(x) for x in PIXELS]
VECTORS = RNG.standard_normal((COUNT, 7)).astype(np.float32)
Y = [i % 3 for i in range(COUNT)]
LABEL = hub.ClassLabel(names=list(CLASSES))


def table(**columns: tuple[Any, Any]) -> hub.Dataset:
    """A data set of columns, each with its values and its kind."""
    features = hub.Features({name: kind for name, (_, kind) in columns.items()})
    return hub.Dataset.from_dict({name: values for name, (values, _) in columns.items()}, features=features)


def pictures(**more: tuple[Any, Any]) -> hub.Dataset:
    return table(image=(PICTURES, hub.Image()), label=(Y, LABEL), **more)


def vectors(labels: Any = Y, kind: Any = LABEL) -> hub.Dataset:
    return table(x=(VECTORS.tolist(), hub.List(hub.Value("float32"))), label=(labels, kind))


def arrays(shape: tuple[int, ...], values: Any = None, dtype: str = "float32") -> hub.Dataset:
    kind = {2: hub.Array2D, 3: hub.Array3D}[len(shape)](shape, dtype)
    drawn = RNG.standard_normal((COUNT, *shape)) if values is None else values
    return table(x=(drawn.astype(dtype), kind), label=(Y, LABEL))


FORMATS = [None, "torch", "numpy", "pandas"]


@pytest.mark.parametrize("form", FORMATS)
def test_pictures_are_read_alike_in_every_format(form: str | None) -> None:
    given = pictures().with_format(form)
    data = Dataset.from_examples(given, given)
    np.testing.assert_allclose(data.train[0], PIXELS.transpose(0, 3, 1, 2) / 255, atol=1e-6)
    np.testing.assert_array_equal(data.train[1], Y)
    assert data.raw().classes == CLASSES
    assert given.format["type"] == form, "the user's data set was changed"


@pytest.mark.parametrize("form", FORMATS)
def test_vectors_are_read_alike_in_every_format(form: str | None) -> None:
    given = vectors().with_format(form)
    data = Dataset.from_examples(given, given)
    np.testing.assert_array_equal(data.train[0], VECTORS)
    assert data.train[0].dtype == np.float32


@pytest.mark.parametrize("form", [None, "torch", "numpy"])
def test_arrays_with_units_are_read(form: str | None) -> None:
    x = RNG.standard_normal((COUNT, 2, 9, 5)).astype(np.float32)
    given = arrays((2, 9, 5), x).with_format(form)
    np.testing.assert_array_equal(Dataset.from_examples(given, given).train[0], x)


def test_the_parts_of_a_split_are_read() -> None:
    parts = pictures().train_test_split(0.25, seed=0, stratify_by_column="label")
    data = Dataset.from_examples(parts["train"], parts["test"])
    assert (len(data.train[1]), len(data.test[1])) == (18, 6)


def test_only_the_columns_of_a_format_are_read() -> None:
    more = pictures(id=(list(range(COUNT)), hub.Value("int64")))
    given = more.with_format("torch", columns=["image", "label"])
    assert Dataset.from_examples(given, given).raw().classes == CLASSES


def test_other_columns_are_chosen_by_keys() -> None:
    given = table(img=(PICTURES, hub.Image()), fine=(Y, LABEL), coarse=([0] * COUNT, hub.Value("int64")))
    data = Dataset.from_examples(given, given, keys=("img", "fine"))
    assert data.raw().classes == CLASSES


def test_a_transform_is_applied() -> None:
    def halved(rows: dict[str, Any]) -> dict[str, Any]:
        x = [np.asarray(each, np.float32).transpose(2, 0, 1) / 510 for each in rows["image"]]
        return {"x": x, "label": rows["label"]}

    given = pictures().with_transform(halved)
    np.testing.assert_allclose(
        Dataset.from_examples(given, given).train[0], PIXELS.transpose(0, 3, 1, 2) / 510, atol=1e-6
    )


def test_texts_as_labels_become_classes_as_the_sentence_says() -> None:
    given = vectors([CLASSES[i] for i in Y], hub.Value("string"))
    with pytest.raises(DataError, match=r"label 'cat'.*class_encode_column"):
        Dataset.from_examples(given, given)
    encoded = given.class_encode_column("label")
    assert Dataset.from_examples(encoded, encoded).raw().classes == CLASSES


def with_nothing(column: str) -> hub.Dataset:
    values = {"image": PICTURES, "label": Y}
    values[column] = [*values[column][:-1], None]
    return table(image=(values["image"], hub.Image()), label=(values["label"], LABEL))


def sounds(kind: hub.Audio) -> hub.Dataset:
    named = table(audio=(["0.wav"] * COUNT, hub.Value("string")), label=(Y, LABEL))
    return named.cast_column("audio", kind)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "all parts": (
        lambda: hub.DatasetDict(train=pictures(), test=pictures()),
        r"train is DatasetDict of train, test: give .*data\['train'\]",
    ),
    "a stream": (lambda: pictures().to_iterable_dataset(), "IterableDataset, which has no length.*islice"),
    "parts of a stream": (
        lambda: hub.IterableDatasetDict(train=pictures().to_iterable_dataset()),
        "IterableDatasetDict of train: give",
    ),
    "its name": (lambda: "ylecun/mnist", "the text 'ylecun/mnist': give the data set itself"),
    "more columns": (
        lambda: pictures(id=(list(range(COUNT)), hub.Value("int64"))),
        r"train\[0\] has image, label, id: say which",
    ),
    "columns of numbers": (
        lambda: table(
            a=([0.5] * COUNT, hub.Value("float32")), b=([0.5] * COUNT, hub.Value("float32")), label=(Y, LABEL)
        ),
        r"train\[0\] has a, b, label: say which",
    ),
    "arrays without units": (lambda: arrays((9, 5)), r"shape \[24, 9, 5\].*x\[:, None\]"),
    "arrays of bytes": (
        lambda: arrays((3, 12, 10), PIXELS.transpose(0, 3, 1, 2), "uint8"),
        r"train\[0\] has features of type u?int.*floating-point",
    ),
    "texts": (
        lambda: table(text=(["a"] * COUNT, hub.Value("string")), label=(Y, LABEL)),
        r"train\[0\] has features of type str",
    ),
    "a missing picture": (lambda: with_nothing("image"), r"train\[23\] has features of type NoneType"),
    "a missing label": (lambda: with_nothing("label"), r"train\[23\] has the label None"),
    "examples without a class": (
        lambda: table(image=(PICTURES, hub.Image()), label=([-1] * COUNT, LABEL)),
        r"train\[0\] has the label -1, as examples without a class have",
    ),
    "several labels": (
        lambda: vectors([[1, 2]] * COUNT, hub.List(hub.Value("int64"))),
        r"shape \[24, 2\].*one for each example",
    ),
    "sounds": (
        lambda: sounds(hub.Audio()),
        "column audio holds sounds: write them to folders",
    ),
    "sounds as files": (
        lambda: sounds(hub.Audio(decode=False)),
        "column audio holds sounds: write them to folders",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_in_a_sentence(name: str) -> None:
    data, sentence = REFUSED[name]
    with pytest.raises(DataError, match=sentence) as caught:
        Dataset.from_examples(data(), data())
    assert "\n" not in str(caught.value)
