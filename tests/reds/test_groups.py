"""Splits by group: no speaker or patient is in two parts, and every class is in all of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import Dataset
from reds.data.groups import groups_of
from reds.errors import DataError


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=3, max_size=12),
    classes=st.integers(2, 4),
    alone=st.booleans(),
    seed=st.integers(0, 9),
)
def test_no_group_is_in_two_parts_and_every_class_is_in_each(
    sizes: list[int], classes: int, alone: bool, seed: int
) -> None:
    """Groups of one class each, as recordings are, or of all classes, as speakers are."""
    pairs = [
        (f"{name}-{label}" if alone else name, label)
        for label in range(classes)
        for name, size in enumerate(map(str, sizes))
        for _ in range(sizes[int(name)])
    ]
    groups, y = np.array([str(name) for name, _ in pairs]), np.array([label for _, label in pairs])
    x = np.arange(len(y), dtype=np.float32)[:, None]
    data = Dataset.split(x, y, groups=groups, seed=seed)
    assert data.validation is not None
    rows = [part[0][:, 0].astype(int) for part in (data.train, data.validation, data.test)]
    assert sorted(np.concatenate(rows)) == list(range(len(y)))
    inside = [set(groups[each]) for each in rows]
    assert not inside[0] & inside[1] | inside[0] & inside[2] | inside[1] & inside[2]
    for each in rows:
        assert set(y[each]) == set(range(classes))


def test_shares_are_near_those_asked_for_where_groups_are_many() -> None:
    rng = np.random.default_rng(0)
    groups, y = rng.integers(0, 100, 3000), rng.integers(0, 3, 3000)
    data = Dataset.split(np.zeros((3000, 1), np.float32), y, groups=groups, test=0.2, validation=0.1)
    assert data.validation is not None
    for label in range(3):
        of_test = (data.test[1] == label).sum() / (y == label).sum()
        assert of_test == pytest.approx(0.2, abs=0.03)
        assert (data.validation[1] == label).sum() / (y == label).sum() == pytest.approx(0.08, abs=0.03)


def test_a_class_in_two_groups_is_refused_by_name() -> None:
    y, groups = np.repeat([0, 1], 6), np.array(list("aabbccddddee"))
    with pytest.raises(DataError, match=r"label 1 is in 2 groups.*'d'"):
        Dataset.split(np.zeros((12, 1), np.float32), y, groups=groups)


def test_texts_as_pandas_gives_them_are_groups() -> None:
    groups = np.array(["ann", "bob", "cid", "dan"] * 6, object)
    x = np.repeat(np.arange(4), 6).reshape(6, 4).T.reshape(-1, 1).astype(np.float32)
    data = Dataset.split(x, np.tile([0, 0, 0, 0, 1, 1, 1, 1], 3), groups=groups)
    assert len(data.train[1]) + len(data.test[1]) < len(groups)


@pytest.mark.parametrize(
    "groups", [np.array([None] * 12), np.arange(5), np.zeros(12), [["a"]] * 12, np.eye(12)]
)
def test_groups_that_are_not_one_text_or_number_an_example_are_refused(groups: object) -> None:
    with pytest.raises(DataError, match=r"^Dataset\.split: groups is .*12 examples"):
        Dataset.split(np.zeros((12, 1), np.float32), np.repeat([0, 1], 6), groups=groups)


def test_a_pattern_finds_the_group_in_names_of_files() -> None:
    files = [Path("no/0a7c_nohash_0.wav"), Path("yes/0a7c_nohash_1.wav"), Path("yes/b1_nohash_0.wav")]
    assert groups_of(files, "^(.+)_nohash").tolist() == ["0a7c", "0a7c", "b1"]


@pytest.mark.parametrize(
    ("pattern", "place"),
    [("(", "regular expression"), ("a", "0 pairs"), ("(a)(b)", "2 pairs"), ("^(z)", "yes/a.wav"),
     ("^(z*)", "yes/a.wav")],
)  # fmt: skip
def test_a_pattern_that_finds_no_group_is_refused(pattern: str, place: str) -> None:
    with pytest.raises(DataError, match=place):
        groups_of([Path("yes/a.wav")], pattern)
