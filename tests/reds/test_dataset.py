"""A user's own arrays or tensors: split, checked, and stored as a device reads them."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import Dataset
from reds.errors import DataError


def examples(
    per_class: int = 10, classes: int = 3, shape: tuple[int, ...] = (2, 3, 4)
) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 [N, *shape] and the labels of their classes, in order."""
    y = np.repeat(np.arange(classes), per_class)
    x = np.random.default_rng(0).normal(0, 1, (len(y), *shape)).astype(np.float32)
    return x, y


def given_as(**changed: Any) -> Dataset:
    """A data set whose train and test part are the same, a part of one changed."""
    x, y = examples()
    arrays = {"train_x": x, "train_y": y, "test_x": x, "test_y": y} | changed
    pairs = {part: (arrays[f"{part}_x"], arrays[f"{part}_y"]) for part in ("train", "test")}
    return Dataset(**pairs, validation=changed.get("validation"), classes=changed.get("classes"))


X, Y = examples()
NAN, HUGE = X.copy(), X.copy()
NAN[3, 1, 2, 0], HUGE[3, 1, 2, 0] = np.nan, -2e6


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"train_x": (255 * X).astype(np.uint8)}, "train: .*uint8.*x / 255"),
        ({"test_x": X.astype(np.int64)}, "test: .*int64"),
        ({"train_x": X[:, 0]}, r"train: .*\[30, 3, 4\]"),
        ({"train_x": X[:, :, None]}, r"train: .*\[30, 2, 1, 3, 4\]"),
        ({"train_x": X[:, :, :0]}, r"train: .*\[30, 2, 0, 4\]"),
        ({"test_x": X[:, :1]}, "test_x.*train_x"),
        ({"test_x": X.astype(np.float64)}, "test_x.*float64.*train_x.*float32"),
        ({"validation": (X[:, :, :, :2], Y)}, "validation_x.*train_x"),
        ({"train_x": NAN}, "train_x"),
        ({"test_x": HUGE}, "test_x"),
        ({"train_y": Y[:-1]}, "train_y.* 30 "),
        ({"train_y": Y / 1}, "train_y.*float64"),
        ({"train_y": 10**9 * Y}, "train_y.*1000000000"),
        ({"train_y": Y[:0], "train_x": X[:0]}, r"train: .*\[0, 2, 3, 4\]"),
        ({"train_y": Y[:, None]}, r"train_y.*\[30, 1\]"),
        ({"test_y": Y + 1}, "test_y.* 3"),
        ({"test_y": Y - 1}, "test_y.* -1"),
        ({"train_y": np.where(Y == 1, 2, Y)}, "train_y.*class 1"),
        ({"test_y": np.where(Y == 2, 0, Y), "classes": ["a", "b", "owl"]}, "test_y.*class owl"),
        ({"validation": (X, np.where(Y == 0, 1, Y))}, "validation_y.*class 0"),
        ({"train_y": 0 * Y, "test_y": 0 * Y}, ".*classes"),
        ({"classes": ["a", "a", "b"]}, ".*classes"),
        ({"classes": ["a", "b"]}, "train_y.* 2"),
        ({"classes": [str(i) for i in range(257)]}, ".*classes"),
    ],
)
def test_an_array_that_is_not_usable_is_refused_and_named(changed: dict[str, Any], place: str) -> None:
    with pytest.raises(DataError, match=f"^Dataset: {place}") as caught:
        given_as(**changed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["test", "validation"])
@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5, float("nan")])
def test_a_share_that_is_not_between_0_and_1_is_refused(name: str, share: float) -> None:
    with pytest.raises(DataError, match=rf"^Dataset\.split: {name} is"):
        Dataset.split(X, Y, **{name: share})  # type: ignore[arg-type]


def test_features_and_labels_of_unlike_number_cannot_be_split() -> None:
    with pytest.raises(DataError, match=r"\[29\]: 30 "):
        Dataset.split(X, Y[:-1])


def test_features_that_are_all_one_number_are_refused_when_stored() -> None:
    x = np.full_like(X, 3.0)
    data = Dataset((x, Y), (x, Y))
    with pytest.raises(DataError, match="int8"):
        data.stored("mine")


def test_a_class_of_one_example_leaves_none_to_train_on() -> None:
    x, y = np.concatenate([X, X[:1]]), np.append(Y, 3)
    data = Dataset((x, y), (x, y))
    with pytest.raises(DataError, match="class 3"):
        data.stored("mine")


@settings(max_examples=40)
@given(
    counts=st.lists(st.integers(4, 40), min_size=2, max_size=4),
    test=st.floats(0.1, 0.5),
    validation=st.floats(0.1, 0.5),
    seed=st.integers(0, 9),
)
def test_a_split_takes_the_share_of_every_class_and_every_example_once(
    counts: list[int], test: float, validation: float, seed: int
) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    x = np.arange(len(y), dtype=np.float32)[:, None]
    data = Dataset.split(x, y, test=test, validation=validation, seed=seed)
    assert data.validation is not None
    parts = [data.train, data.validation, data.test]
    assert sorted(np.concatenate([x for x, _ in parts])[:, 0].tolist()) == list(range(len(y)))
    for part_x, part_y in parts:
        np.testing.assert_array_equal(y[part_x[:, 0].astype(int)], part_y)
    for label, count in enumerate(counts):
        tests = max(1, round(test * count))
        held = max(1, round(validation * (count - tests)))
        assert [(y == label).sum() for _, y in parts] == [count - tests - held, held, tests]


def test_the_same_seed_splits_alike_and_another_seed_otherwise() -> None:
    one, same, other = (Dataset.split(X, Y, seed=seed).test[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_torch_tensors_are_the_same_data_as_numpy_arrays() -> None:
    x, y = torch.from_numpy(X).requires_grad_(), torch.from_numpy(Y)
    arrays, tensors = Dataset((X, Y), (X, Y)).stored("mine"), Dataset((x, y), (x, y)).stored("mine")
    np.testing.assert_array_equal(arrays.train_x, tensors.train_x)
    np.testing.assert_array_equal(arrays.test_y, tensors.test_y)
    assert arrays.files == tensors.files
    assert Dataset.split(x, y).stored("mine").files == Dataset.split(X, Y).stored("mine").files


def test_features_are_stored_with_units_last_and_near_their_values() -> None:
    data = Dataset((X, Y), (X, Y), (X, Y)).stored("mine")
    assert data.set.shape == (3, 4, 2)
    assert data.train_x.shape == (1, 30, 3, 4, 2)
    real = np.moveaxis(data.set.real(data.train_x[0]), -1, 1)
    assert np.abs(real - X).max() <= 2 * data.set.scale
    assert data.set.real(np.int8([data.set.zero])) == 0


def test_flat_features_are_units_of_one_site() -> None:
    x = X.reshape(30, 24)
    data = Dataset((x, Y), (x, Y), (x, Y)).stored("mine")
    assert data.set.shape == (1, 1, 24)
    assert np.abs(data.set.real(data.train_x[0])[:, 0, 0] - x).max() <= 2 * data.set.scale


def test_a_validation_part_is_cut_by_the_seed_where_none_is_given() -> None:
    data = Dataset((X, Y), (X, Y))
    one, same, other = (data.stored("mine", seed) for seed in (1, 1, 2))
    assert list(np.bincount(one.validation_y)) == [1, 1, 1]
    assert len(one.train_y) == 27
    np.testing.assert_array_equal(one.validation_x, same.validation_x)
    assert (one.validation_x != other.validation_x).any()


def test_classes_are_named_or_numbered_from_the_labels() -> None:
    assert Dataset((X, Y), (X, Y)).stored("mine").set.classes == ("0", "1", "2")
    assert given_as(classes=["cat", "dog", "owl"]).stored("mine").set.classes == ("cat", "dog", "owl")


def test_other_examples_have_another_checksum_and_labeled_file() -> None:
    other = X.copy()
    other[0, 0, 0, 0] += 0.5
    one, two = (Dataset((X, Y), (x, Y)).stored("mine") for x in (X, other))
    assert one.files != two.files
    assert one.set.file != two.set.file


@pytest.mark.parametrize(
    "given",
    [
        {"train": X},
        {"train": None},
        {"train": ([[1.0], [1.0, 2.0]], Y)},
        {"classes": 3},
        {"classes": [None, "b", "c"]},
    ],
)
def test_parts_and_classes_of_another_type_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"^Dataset: "):
        Dataset(**{"train": (X, Y), "test": (X, Y)} | given)


@pytest.mark.parametrize("y", [np.eye(3)[Y], Y[:-1], Y.astype(float)], ids=["one-hot", "too few", "float"])
def test_a_split_needs_one_whole_number_for_each_example(y: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"^Dataset\.split: "):
        Dataset.split(X, y)


def test_a_split_needs_three_examples_of_each_class() -> None:
    x, y = np.tile(X[:1], (8, 1, 1, 1)), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    Dataset.split(x[:7], y[:7])
    with pytest.raises(DataError, match="a class has 2 examples"):
        Dataset.split(x[:6], y[:6])


def test_numbers_may_name_the_classes_and_other_names_make_other_labeled_files() -> None:
    named = [Dataset((X, Y), (X, Y), classes=names) for names in (np.array([7, 8, 9]), ["a", "b", "c"])]
    assert named[0].raw().classes == ("7", "8", "9")
    assert len({data.stored("mine").set.file for data in named}) == 2


def test_bfloat16_tensors_are_read_as_their_values() -> None:
    tensor = torch.from_numpy(X).bfloat16()
    assert np.array_equal(
        Dataset((tensor, Y), (tensor, Y)).raw().parts["train"].x, np.moveaxis(tensor.float().numpy(), 1, -1)
    )
