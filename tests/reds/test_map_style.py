"""Data sets of other libraries, known by `len()` and `[i]`: torch's own, and stand-ins of that protocol."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset

from reds import Dataset
from reds.errors import DataError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8)
Y = np.arange(12) % 3


class Pairs:
    """Examples as torchvision gives them: a picture, or what a transform made of it, and a label."""

    classes = ("cat", "dog", "owl")

    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> Any:
        return self.pairs[i]


class Table(Pairs):
    """Examples as Hugging Face's `datasets` gives them: mappings, with features that know the classes."""

    classes = None  # type: ignore[assignment]
    features = {"image": None, "label": SimpleNamespace(names=["cat", "dog", "owl"])}  # noqa: RUF012


def pictures(mode: str = "RGB") -> list[tuple[Image.Image, int]]:
    return [(Image.fromarray(x).convert(mode), int(y)) for x, y in zip(PIXELS, Y, strict=True)]


def as_tensors() -> list[tuple[torch.Tensor, int]]:
    """The pictures as torchvision's `ToTensor` makes them."""
    return [
        (torch.from_numpy(x).permute(2, 0, 1).float() / 255, int(y)) for x, y in zip(PIXELS, Y, strict=True)
    ]


SAME = {
    "pictures and labels": Pairs(pictures()),
    "tensors and labels": Pairs(as_tensors()),
    "tensors and tensors": Pairs([(x, torch.tensor(y)) for x, y in as_tensors()]),
    "arrays and numpy's numbers": Pairs([(x.numpy(), np.int64(y)) for x, y in as_tensors()]),
    "lists": Pairs([[x, y] for x, y in pictures()]),
    "mappings": Table([{"image": x, "label": y} for x, y in pictures()]),
    "a list": pictures(),
    "torch's TensorDataset": TensorDataset(torch.stack([x for x, _ in as_tensors()]), torch.from_numpy(Y)),
    "torch's Subset": Subset(Pairs(pictures()), range(12)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", SAME)
def test_every_form_of_examples_gives_the_same_data(name: str) -> None:
    data = Dataset.from_examples(SAME[name], SAME[name])
    np.testing.assert_allclose(data.train[0], PIXELS.transpose(0, 3, 1, 2) / 255, atol=1e-7)
    np.testing.assert_array_equal(data.test[1], Y)
    known = name not in ("a list", "torch's TensorDataset")
    assert data.raw().classes == (("cat", "dog", "owl") if known else ("0", "1", "2"))
    assert data.stored("mine").set.shape == (5, 4, 3)


def test_a_validation_part_other_keys_and_names_are_taken() -> None:
    rows = Pairs([{"img": x, "fine": y, "coarse": 0} for x, y in pictures()])
    data = Dataset.from_examples(rows, rows, rows, keys=("img", "fine"), classes=["a", "b", "c"])
    assert data.validation is not None
    np.testing.assert_array_equal(data.validation[1], Y)
    assert data.raw().classes == ("a", "b", "c")


def test_gray_pictures_have_one_unit_and_three_among_colored_ones() -> None:
    gray = Pairs(pictures("L"))
    assert Dataset.from_examples(gray, gray).train[0].shape == (12, 1, 5, 4)
    mixed = Pairs(pictures()[:6] + pictures("L")[6:])
    x = Dataset.from_examples(mixed, mixed).train[0]
    assert x.shape == (12, 3, 5, 4)
    np.testing.assert_array_equal(x[6, 0], x[6, 2])


def test_flat_features_are_taken() -> None:
    flat = [(torch.randn(7), i % 2) for i in range(9)]
    assert Dataset.from_examples(flat, flat).stored("mine").set.shape == (1, 1, 7)


class Failing(Pairs):
    def __getitem__(self, i: int) -> Any:
        raise OSError("a file is gone")


def stream() -> Any:
    yield from pictures()


ODD = pictures()
REFUSED: dict[str, tuple[Any, str]] = {
    "a stream": (stream(), "train is generator, which has no length"),
    "an iterable data set": (SimpleNamespace(), "train is SimpleNamespace, which has no length"),
    "nothing": ([], "train is empty"),
    "one that fails": (Failing(ODD), r"train\[0\] cannot be read: OSError: a file is gone"),
    "pictures alone": ([x for x, _ in ODD], r"train\[0\] is Image: a pair"),
    "three values": ([(x, y, 0) for x, y in ODD], r"train\[0\] is tuple of 3"),
    "no label": ([{"image": x} for x, _ in ODD], r"train\[0\] has image: say which.*keys="),
    "several pictures": (
        [{"image": x, "mask": x, "label": y} for x, y in ODD],
        "has image, mask, label: say",
    ),
    "pictures of two sizes": (
        [(x.resize((4 + y, 5)), y) for x, y in ODD],
        r"train\[1\] is .*\[3, 5, 5\].*Resize",
    ),
    "deep pictures": ([(Image.fromarray(np.zeros((5, 4), np.uint16)), y) for _, y in ODD], "kind I;16"),
    "bytes as tensors": (
        [(torch.from_numpy(np.array(x)), y) for x, y in ODD],
        r"train\[0\].*uint8.*ToTensor",
    ),
    "texts": ([("a long walk", y) for _, y in ODD], "features of type str"),
    "labels as texts": ([(x, "cat") for x, _ in ODD], r"train\[0\] has the label 'cat'.*class_encode"),
    "labels of one-hot rows": ([(x, np.eye(3)[y]) for x, y in ODD], r"argmax\(1\)"),
    "fractions": ([(x, y / 2) for x, y in ODD], "fractions"),
    "negative labels": ([(x, y - 1) for x, y in ODD], r"train\[0\] has the label -1"),
    "a path": ("pictures/", "Dataset.read"),
    "several parts": ({"train": ODD, "test": ODD}, r"is dict of train, test: give .*data\['train'\]"),
    "pictures and tensors": (ODD[:6] + as_tensors()[6:], r"train\[6\] is an array, train\[0\] a picture"),
    "no labels": ([(x, None) for x, _ in ODD], r"train\[0\] has the label None"),
    "boxes of several lengths": ([(x, [1] * y) for x, y in ODD], r"labels|whole number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_examples_that_cannot_be_used_are_refused_by_their_place(name: str) -> None:
    data, place = REFUSED[name]
    with pytest.raises(DataError, match=place) as caught:
        Dataset.from_examples(data, pictures())
    assert "\n" not in str(caught.value)


def test_classes_that_two_parts_number_otherwise_are_refused_unless_they_are_named() -> None:
    """As torchvision's `ImageFolder` does where a folder of a class is missing."""
    other = Pairs(pictures())
    other.classes = ("cat", "owl")  # type: ignore[assignment]
    with pytest.raises(DataError, match="label 1 is 'owl' in test, but 'dog' in train"):
        Dataset.from_examples(Pairs(pictures()), other)
    Dataset.from_examples(Pairs(pictures()), other, classes=["a", "b", "c"])


def test_keys_that_are_not_there_are_named() -> None:
    rows = Pairs([{"image": x, "label": y} for x, y in pictures()])
    with pytest.raises(DataError, match="has image, label, but no img"):
        Dataset.from_examples(rows, rows, keys=("img", "label"))
