"""Real data sets and transforms of torchvision, passed as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Subset, random_split

from reds import Dataset
from reds.errors import DataError
from tests.reds.support.torchvision import datasets, transforms, v2

CLASSES = ("cat", "dog", "owl")
EACH = 8
NORMALIZED = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.25,) * 3)])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of 10 x 12 in folders of classes."""
    made, drawn = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name in CLASSES:
        (made / name).mkdir()
        for i in range(EACH):
            pixels = drawn.integers(0, 256, (12, 10, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(made / name / f"{i}.png")
    return made


def folder(root: Path, transform: Any = None) -> datasets.ImageFolder:
    return datasets.ImageFolder(root, transform=transform)


def fake(transform: Any = None) -> datasets.FakeData:
    return datasets.FakeData(40, (3, 12, 10), 3, transform=transform)


def pixels(root: Path) -> np.ndarray[Any, Any]:
    """The pictures as [N, units, rows, columns] from 0 to 1, in the order of torchvision's `ImageFolder`."""
    files = [root / name / f"{i}.png" for name in CLASSES for i in range(EACH)]
    return np.stack([np.asarray(Image.open(file)) for file in files]).transpose(0, 3, 1, 2) / 255


TO_FLOAT = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


@pytest.mark.parametrize("transform", [None, transforms.ToTensor(), TO_FLOAT])
def test_a_folder_of_pictures_is_read_as_it_is(root: Path, transform: Any) -> None:
    data = Dataset.from_examples(folder(root, transform), folder(root, transform))
    np.testing.assert_allclose(data.train[0], pixels(root), atol=1e-6)
    np.testing.assert_array_equal(data.train[1], np.repeat(np.arange(3), EACH))
    assert data.raw().classes == CLASSES


def test_a_transform_is_applied(root: Path) -> None:
    data = Dataset.from_examples(folder(root, NORMALIZED), folder(root, NORMALIZED))
    np.testing.assert_allclose(data.train[0], (pixels(root) - 0.5) / 0.25, atol=1e-5)


def test_generated_pictures_are_read() -> None:
    data = Dataset.from_examples(fake(), fake())
    assert data.train[0].shape == (40, 3, 12, 10)
    assert data.stored("mine").set.shape == (12, 10, 3)


def parts(kind: str, data: Any) -> tuple[Any, Any]:
    match kind:
        case "Subset":
            return Subset(data, range(0, 24, 2)), Subset(data, range(1, 24, 2))
        case "a subset of a subset":
            return Subset(Subset(data, range(0, 24)), range(0, 24, 2)), Subset(data, range(1, 24, 2))
        case "random_split":
            return tuple(random_split(data, [12, 12], torch.Generator().manual_seed(1)))  # type: ignore[return-value]
        case _:
            return ConcatDataset([data, data]), data


@pytest.mark.parametrize("kind", ["Subset", "a subset of a subset", "random_split", "ConcatDataset"])
def test_parts_of_a_data_set_keep_its_classes(root: Path, kind: str) -> None:
    train, test = parts(kind, folder(root, NORMALIZED))
    data = Dataset.from_examples(train, test)
    assert data.raw().classes == CLASSES
    assert (len(data.train[1]), len(data.test[1])) == (len(train), len(test))


def test_joined_data_sets_that_number_classes_otherwise_are_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "owl").mkdir()
    Image.new("RGB", (10, 12)).save(tmp_path / "owl" / "0.png")
    joined = ConcatDataset([folder(root), folder(tmp_path)])
    with pytest.raises(DataError, match=r"label 0 is 'owl' in train\.datasets\[1\], but 'cat' in"):
        Dataset.from_examples(joined, folder(root))


RANDOM = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor()])
REFUSED: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any], str]] = {
    "a random transform": (
        lambda root: folder(root, RANDOM),
        lambda root: folder(root, RANDOM),
        r"train\[\d\] differs when it is read again.*augmentation=",
    ),
    "pictures as bytes": (
        lambda root: folder(root, v2.ToImage()),
        lambda root: folder(root, v2.ToImage()),
        r"train\[0\] has features of type uint8.*ToDtype",
    ),
    "a transform for one part only": (
        lambda root: folder(root, NORMALIZED),
        folder,
        r"test\[0\] is a picture, train\[0\] an array: .*one transform",
    ),
    "a transform for one of two joined": (
        lambda root: ConcatDataset([folder(root), folder(root, NORMALIZED)]),
        folder,
        r"train\[24\] is an array, train\[0\] a picture",
    ),
    "a loader": (
        lambda root: DataLoader(folder(root, NORMALIZED), 4),
        folder,
        r"train is DataLoader, .*loader\.dataset",
    ),
    "another size of pictures": (
        lambda root: folder(root, NORMALIZED),
        lambda root: folder(root, transforms.Compose([transforms.Resize((9, 9)), NORMALIZED])),
        r"test_x is float32 of shape 24x9x9x3, train_x",
    ),
    "a class without examples": (
        lambda root: folder(root),
        lambda root: Subset(folder(root), range(8)),
        "test_y: no example of class dog",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_in_a_sentence(root: Path, name: str) -> None:
    train, test, sentence = REFUSED[name]
    torch.manual_seed(0)  # of the random transform
    with pytest.raises(DataError, match=sentence) as caught:
        Dataset.from_examples(train(root), test(root))
    assert "\n" not in str(caught.value)


def test_a_data_set_in_the_place_of_arrays_is_refused(root: Path) -> None:
    data: Any = folder(root)
    with pytest.raises(DataError, match=r"train is ImageFolder: .*from_examples"):
        Dataset(train=data, test=data)
