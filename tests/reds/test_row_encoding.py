"""Tables in 16 bits: what is stored is exact, what is fitted is near."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.pack import row_encoding
from reds.pack.interpreter import requantize

LARGEST = row_encoding.INT16_LIMIT << row_encoding.BIAS_SHIFTS[-1]
whole = st.floats(-LARGEST, LARGEST).map(round)


@given(
    st.lists(whole, min_size=1, max_size=8),
    st.sampled_from([row_encoding.BIAS_SHIFTS, row_encoding.MULTIPLIER_SHIFTS]),
)
def test_the_nearest_values_are_halves_of_the_least_shift(values: list[int], shifts: range) -> None:
    near = row_encoding.nearest_encodable(np.array(values, float), shifts)
    half, shift = row_encoding.encode(near, shifts)
    assert np.array_equal(half.astype(int) << shift, near)
    largest = max(abs(value) for value in values)
    coarsest = next(s for s in shifts if round(largest / 2**s) <= row_encoding.INT16_LIMIT)
    assert np.abs(near - np.array(values)).max() <= 2**coarsest / 2


@pytest.mark.parametrize(
    ("values", "shifts"),
    [
        ([1, 1 << 16], row_encoding.BIAS_SHIFTS),
        ([1 << 30], row_encoding.BIAS_SHIFTS),
        ([128], row_encoding.MULTIPLIER_SHIFTS),
        ([-32_768 << 15], row_encoding.MULTIPLIER_SHIFTS),
    ],
)
def test_values_that_no_shift_holds_are_refused(values: list[int], shifts: range) -> None:
    with pytest.raises(row_encoding.RowEncodingError):
        row_encoding.encode(np.array(values, np.int32), shifts)


@given(seed=st.integers(0, 2**16), fan_in=st.sampled_from([1, 9, 64, 250, 1800]), zero=st.integers(-127, 127))
@settings(max_examples=60)
def test_a_table_keeps_to_the_real_numbers(seed: int, fan_in: int, zero: int) -> None:
    """Rows of like spread, gains over a factor of 30 and of either sign: a quarter of a step at most."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (16, fan_in)).astype(np.int8)
    weights[:, 0] = 127  # a row's scale is that of its largest weight
    spread = row_encoding.INPUT_SPREAD * np.linalg.norm(weights, axis=1)
    exact = 40 / spread * 10 ** rng.uniform(-1.5, 0, 16) * rng.choice([-1, 1], 16) * 2**32
    constant, zeros = rng.uniform(-40, 40, 16), zero * weights.sum(1, dtype=np.float64)
    bias, multiplier = row_encoding.fit_table(exact, constant, zeros, weights)
    x = rng.integers(-127, 128, (200, fan_in))
    acc = x @ weights.T.astype(np.int64)
    wanted = ((acc - zeros) * exact / 2**32 + constant).clip(-127, 127)
    got = requantize(acc + bias, multiplier, 0).astype(float)
    assert np.abs(got - wanted).max() <= 0.5 + 0.25


def test_small_biases_are_exact_and_large_ones_of_switched_off_rows_do_not_spoil_the_others() -> None:
    weights = np.full((2, 64), 10, np.int8)
    exact, constant = np.array([2.0**22, 0.0]), np.array([5.0, 100.0])
    bias, multiplier = row_encoding.fit_table(exact, constant, np.zeros(2), weights)
    assert row_encoding.encode(bias, row_encoding.FAST_BIAS_SHIFTS)
    acc = np.array([[0, 0], [9000, 9000], [-9000, -9000]])
    got = requantize(acc + bias, multiplier, 0)
    np.testing.assert_allclose(got[:, 0], 5 + np.array([0, 9000, -9000]) / 1024, atol=0.51)
    np.testing.assert_allclose(got[:, 1], 100, atol=1)


def test_a_bias_that_needs_it_takes_a_larger_shift_and_one_beyond_all_is_refused() -> None:
    weights = np.full((1, 4000), 127, np.int8)
    gain = np.array([2.0**12])
    bias, _ = row_encoding.fit_table(gain, np.zeros(1), np.array([4000 * 127.0 * 127]), weights)
    with pytest.raises(row_encoding.RowEncodingError):
        row_encoding.encode(bias, row_encoding.FAST_BIAS_SHIFTS)
    with pytest.raises(row_encoding.RowEncodingError, match=r"bias.*1e\+09"):
        row_encoding.fit_table(gain, np.zeros(1), np.array([1e9]), weights)
    with pytest.raises(row_encoding.RowEncodingError, match=r"multiplier.*1\.07374e\+09"):
        row_encoding.fit_table(np.array([2.0**30]), np.zeros(1), np.zeros(1), weights)


def test_a_shift_too_small_for_what_is_folded_in_is_passed_over() -> None:
    """Of 16 bits the zero point's share leaves no room for a constant, of 17 it does."""
    weights, zeros = np.full((1, 6), 100, np.int8), np.array([32_500.0])
    bias, multiplier = row_encoding.fit_table(np.array([2.0**26]), np.array([200.0]), zeros, weights)
    assert multiplier[0] == 2**26
    assert abs(bias[0] - (200 * 64 - 32_500)) <= 1
