"""Labels that are no whole numbers from 0: each kind is refused with what makes them so."""

import re

import numpy as np
import pytest

from reds import Dataset
from reds.errors import DataError

X = np.random.default_rng(0).normal(0, 1, (30, 6)).astype(np.float32)
Y = np.repeat(np.arange(3), 10)
TEXTS = np.array(["cat", "dog", "owl"])[Y]


@pytest.mark.parametrize(
    ("y", "remedy"),
    [
        (np.eye(3)[Y], "y.argmax(1)"),
        (np.eye(3, dtype=bool)[Y], "y.argmax(1)"),
        (TEXTS, "np.unique(y, return_inverse=True)"),
        (TEXTS.astype(object), "np.unique(y, return_inverse=True)"),
        (Y.astype(float), "y.astype(int)"),
        (Y > 0, "y.astype(int)"),
        (Y.astype(object), "y.astype(int)"),
        (Y - 1, "-1"),
        (Y / 4, "fractions"),
        (2 * (Y > 0) - 1, "-1"),
        ((2 * (Y > 0) - 1).astype(float), "-1"),
        (Y[:, None], "y[:, 0]"),
        (Y[:-1], "30 whole numbers"),
    ],
)
def test_each_kind_of_labels_that_cannot_be_used_is_refused_with_a_remedy(y: np.ndarray, remedy: str) -> None:
    for make in (lambda: Dataset((X, Y), (X, y)), lambda: Dataset.split(X, y)):
        with pytest.raises(DataError, match=re.escape(remedy)) as caught:
            make()
        assert "\n" not in str(caught.value)


def test_the_remedies_make_labels_that_can_be_used() -> None:
    classes, y = np.unique(TEXTS, return_inverse=True)
    assert Dataset.split(X, y, classes=classes).raw().classes == ("cat", "dog", "owl")
    for made in (np.eye(3)[Y].argmax(1), Y.astype(float).astype(int)):
        np.testing.assert_array_equal(made, Y)
        Dataset.split(X, made)


@pytest.mark.parametrize("y", [Y + 1, 2 * Y, 10 * Y])
def test_labels_with_gaps_are_refused_with_a_remedy_that_closes_them(y: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"np\.unique\(y, return_inverse=True\)\[1\]"):
        Dataset((X, y), (X, y))
    np.testing.assert_array_equal(np.unique(y, return_inverse=True)[1], Y)


@pytest.mark.parametrize("name", ["", " ", "a\nb"])
def test_a_class_needs_a_name_that_can_be_read(name: str) -> None:
    with pytest.raises(DataError, match="rename it"):
        Dataset((X, Y), (X, Y), classes=["a", "b", name])
