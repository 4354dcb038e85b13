"""The error bounds that the page on arithmetic states hold for the program of the page on packs."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_docs import reader

NORMALIZED, SOFTMAX = (reader()[name] for name in ("normalized", "softmax"))
UNITS = st.lists(st.integers(-127, 127), min_size=1, max_size=300)


@settings(max_examples=200)
@given(x=UNITS, epsilon=st.sampled_from([1, 2, 77, 1 << 20, (1 << 30) - 1]))
def test_layer_norm_errs_by_less_than_the_page_says(x: list[int], epsilon: int) -> None:
    count, total = len(x), sum(x)
    variance = count * sum(a * a for a in x) - total**2 + epsilon
    root = Fraction(math.isqrt(variance << 200), 1 << 100)
    for value, n in zip(x, NORMALIZED(x, epsilon), strict=True):
        assert abs(n - 4096 * (count * value - total) / root) <= Fraction(1, 2) + Fraction(1, 512)


@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.one_of(st.integers(1, 8), st.integers(1, 2000)),
    spread=st.integers(0, 1_000_000),
    exponent=st.floats(5, 30),
)
def test_softmax_errs_by_less_than_the_page_says(seed: int, count: int, spread: int, exponent: float) -> None:
    factor = min(int(2**exponent), (1 << 30) - 1)
    scores = np.random.default_rng(seed).integers(-spread, spread + 1, count)
    exact = 2.0 ** ((scores - scores.max()) * (factor / 2**32))
    exact /= exact.sum()
    found = np.array(SOFTMAX(scores.tolist(), factor)) / 2**14
    assert (np.abs(found - exact) <= 0.0028 * exact + 2.5 * (1 + count * exact) / 2**15).all()


def test_softmax_of_equal_scores_shares_evenly() -> None:
    assert SOFTMAX([5, 5, 5, 5], 1 << 20) == [1 << 12] * 4
    assert SOFTMAX([7], 1) == [1 << 14]
