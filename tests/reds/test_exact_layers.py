"""Layer norm and attention at the limits of the format, where numbers of 64 bits are almost too small."""

from math import exp, isqrt, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.pack.interpreter import Read
from reds.pack.interpreter.attention import EXPONENTS, attention
from reds.pack.interpreter.layer_norm import layer_norm, square_root
from reds.pack.model import BIAS_LIMIT, IntegerLayer, Kind, Step

NONE = np.zeros((0, 0), np.int8)
NORM = IntegerLayer(Kind.LAYER_NORM, (0,), 1, NONE)


@given(st.lists(st.integers(1, (1 << 62) - 1), min_size=1, max_size=20))
def test_square_roots_are_exact(values: list[int]) -> None:
    near = [n for value in values for n in (value, isqrt(value) ** 2, isqrt(value) ** 2 - 1) if n]
    assert square_root(np.array(near, np.int64)).tolist() == [isqrt(n) for n in near]


def normalized(x: np.ndarray, epsilon: int) -> np.ndarray:
    """Return the units of one position as a layer norm makes them, before it scales them."""
    bias = np.zeros(len(x) + 1, np.int32)
    bias[-1] = epsilon
    step = Step(0, len(x), len(x), bias, bias, 0)
    return layer_norm(NORM, step, Read(x.astype(np.int8)[None, None, None], 0)).ravel()


@settings(max_examples=60)
@given(
    units=st.sampled_from([1, 2, 3, 64, 1000, 65_535]),
    epsilon=st.sampled_from([1, 1000, BIAS_LIMIT - 1]),
    spread=st.sampled_from([0, 1, 20, 127]),
    seed=st.integers(0, 999),
)
def test_layer_norm_is_within_a_step_of_the_real_one(
    units: int, epsilon: int, spread: int, seed: int
) -> None:
    x = np.random.default_rng(seed).integers(-spread, spread + 1, units)
    if seed % 3 == 0:
        x = np.where(x < 0, -spread, spread)
    variance = (units * int((x * x).sum()) - int(x.sum()) ** 2 + epsilon) / units**2
    real = 4096 * (x - x.mean()) / sqrt(variance)
    largest = 4096 * sqrt(units)  # one unit alone is far from all others
    assert np.abs(normalized(x, epsilon) - real).max() <= 0.5 + largest * 2.0**-29


def shares(scores: np.ndarray, multiplier: int) -> np.ndarray:
    """Return the weight of each value for one query, in units of 2^-14, read from values of one and zero."""
    keys = scores.astype(np.int8).reshape(1, -1, 1, 1)
    step = Step(0, 1, 1, np.array([multiplier], np.int32), np.zeros(1, np.int32), 0)
    reads = [Read(np.ones((len(scores), 1, 1, 1), np.int8), 0), Read(np.repeat(keys, len(scores), 0), 0)]
    values = np.eye(len(scores), dtype=np.int8).reshape(len(scores), -1, 1, 1)
    return attention(step, [*reads, Read(values, 0)], 1).ravel()


@settings(max_examples=60)
@given(
    scores=st.lists(st.integers(-127, 127), min_size=1, max_size=200),
    multiplier=st.integers(1, BIAS_LIMIT - 1),
)
def test_shares_of_an_attention_are_those_of_a_softmax(scores: list[int], multiplier: int) -> None:
    found, octaves = shares(np.array(scores), multiplier), multiplier / 2**32
    weights = np.array([2.0 ** (octaves * (score - max(scores))) for score in scores])
    real = weights / weights.sum() * 2**14
    # A share is rounded; a weight to 2^-9 of an octave and to 2^-15; reciprocal and sum to 2^-15 each.
    assert np.abs(found - real).max() <= 0.5 + real.max() * 0.0015 + 2**14 * 2.0**-15
    assert abs(found.sum() - 2**14) <= 1 + len(scores) / 2


def test_scores_of_the_largest_head_do_not_overflow() -> None:
    head, rng = 32_768, np.random.default_rng(0)
    low, high = np.full((1, 1, 1, head), -127, np.int8), np.full((1, 1, 1, head), 127, np.int8)
    keys = np.concatenate([low, high, rng.integers(-127, 128, (1, 1, 1, head)).astype(np.int8)], axis=1)
    for multiplier in (1, BIAS_LIMIT - 1):
        step = Step(0, head, head, np.array([multiplier], np.int32), np.zeros(1, np.int32), 0)
        reads = [Read(high, -127), Read(keys, -127), Read(keys, 127)]
        scores = ((high.astype(int) + 127) * (keys.astype(int) + 127)).sum(axis=-1).ravel()
        weights = []
        for score in scores.tolist():
            steps = ((max(scores.tolist()) - score) * multiplier + (1 << 23)) >> 24
            weights.append(int(EXPONENTS[steps % 256]) >> (steps // 256) if steps < 4096 else 0)
        shift = sum(weights).bit_length() - 16
        inverse = (1 << 31) // (sum(weights) >> shift)
        parts = [(weight * inverse + (1 << shift + 16)) >> shift + 17 for weight in weights]
        expected = (np.array(parts) @ (keys[0, :, 0].astype(int) - 127)).tolist()
        assert attention(step, reads, head).ravel().tolist() == expected


@pytest.mark.parametrize("steps", [1, 100, 255])
def test_exponents_are_those_of_the_rule(steps: int) -> None:
    assert EXPONENTS[steps] == round(32_768 * exp(-np.log(2) * steps / 256))
    assert len(EXPONENTS) == 256
    assert EXPONENTS[0] == 32_768


def test_a_query_without_a_larger_score_takes_equal_shares() -> None:
    assert shares(np.full(64, 5), BIAS_LIMIT - 1).tolist() == [256] * 64
