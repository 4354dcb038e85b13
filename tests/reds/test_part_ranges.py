"""Parts that are scaled unlike the training part get a note before anything is trained, and no others do."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import Dataset
from reds.data.checks import Part
from reds.data.part_ranges import SEEN, range_notes

RNG = np.random.default_rng(0)
X = RNG.normal(80, 13, (200, 6)).astype(np.float32)
OTHER = RNG.normal(80, 13, (60, 6)).astype(np.float32)
Y, OTHER_Y = np.arange(200) % 3, np.arange(60) % 3


def set_to(value: float, rows: slice) -> Callable[[np.ndarray], None]:
    return lambda x: x.__setitem__((rows, 4), value)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda x: np.multiply(x, 255, out=x), "100% of the {} part's values of unit "),
        (lambda x: np.divide(x, 255, out=x), "most of the {} part's features lie within 0.1"),
        (lambda x: np.divide(x - 80, 13, out=x), "most of the {} part's features lie within 3"),
        (lambda x: np.subtract(x, 300, out=x), "100% of the {} part's values of unit "),
        (set_to(-99999, slice(0, 12)), "20% of the {} part's values of unit 4 "),
        (set_to(1e6, slice(None)), "100% of the {} part's values of unit 4 "),
    ],
)
@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_part_of_another_scale_is_named(
    part: str, change: Callable[[np.ndarray], None], found: str
) -> None:
    odd = OTHER.copy()
    change(odd)
    parts = {"test": (OTHER, OTHER_Y), "validation": (OTHER, OTHER_Y)} | {part: (odd, OTHER_Y)}
    (note,) = Dataset((X, Y), parts["test"], parts["validation"]).stored("mine").notes
    assert note.startswith(found.format(part))


def test_a_unit_that_varies_in_the_test_part_alone_is_named() -> None:
    constant = X.copy()
    constant[:, 2] = 5
    (note,) = Dataset((constant, Y), (OTHER, OTHER_Y), (X, Y)).stored("mine").notes[:1]
    assert "unit 2" in note
    assert "5 to 5" in note


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    kind=st.sampled_from(["normal", "uniform", "lognormal", "bytes", "counts", "constant"]),
    count=st.integers(3, 60),
)
def test_a_part_of_the_same_distribution_gets_no_note(seed: int, kind: str, count: int) -> None:
    rng = np.random.default_rng(seed)
    draw: dict[str, Callable[[int], np.ndarray]] = {
        "normal": lambda n: rng.normal(-3, 2, (n, 2, 3, 2)),
        "uniform": lambda n: rng.uniform(0, 1, (n, 2, 3, 2)),
        "lognormal": lambda n: rng.lognormal(0, 1, (n, 2, 3, 2)),
        "bytes": lambda n: rng.integers(0, 256, (n, 2, 3, 2)).astype(np.uint8),
        "counts": lambda n: rng.poisson(2, (n, 2, 3, 2)),
        "constant": lambda n: np.full((n, 2, 3, 2), 7.0),
    }
    train, test = draw[kind](200), draw[kind](count)
    assert range_notes({"train": Part(train, Y), "test": Part(test, np.zeros(count, int))}) == ()


def test_a_large_part_is_read_in_steps_that_meet_every_column() -> None:
    train = RNG.random((64, 64, 64, 1))
    test = train.copy()
    test[:, :, 1::2] = 50
    assert train.size > 2 * SEEN
    (note,) = range_notes({"train": Part(train, np.zeros(64)), "test": Part(test, np.zeros(64))})
    assert 0.4 < float(note.split("%")[0]) / 100 < 0.6
