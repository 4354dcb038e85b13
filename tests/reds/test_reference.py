"""The reference against the rule written out in Python's unbounded integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import reference
from tests.nets import dense_model, inputs


def by_hand(model: object, subnet: int, x: list[int]) -> list[int]:
    for layer, step in zip(model.layers, model.subnets[subnet].steps, strict=True):  # type: ignore[attr-defined]
        out = []
        for o in range(step.units_out):
            acc = int(step.bias[o]) + sum(int(layer.weights[o, i]) * x[i] for i in range(step.units_in))
            out.append(max(-127, min(127, step.zero + ((acc * int(step.multiplier[o]) + 2**31) >> 32))))
        x = out
    return x


@settings(max_examples=60, deadline=None)
@given(
    widths=st.lists(st.integers(1, 12), min_size=2, max_size=4),
    seed=st.integers(0, 999),
    extreme=st.booleans(),
)
def test_equals_the_rule(widths: list[int], seed: int, extreme: bool) -> None:
    half = [max(1, w // 2) for w in widths[1:]]
    model = dense_model(widths, [half, widths[1:]], seed, extreme=extreme)
    x = inputs(model, 4, seed)
    for s in range(2):
        assert reference.run(model, s, x).tolist() == [by_hand(model, s, row) for row in x.tolist()]


def test_inputs_of_minus_128_count_as_minus_127() -> None:
    model = dense_model([4, 2], [[2]])
    low, clamped = np.full((1, 4), -128, np.int8), np.full((1, 4), -127, np.int8)
    assert np.array_equal(reference.run(model, 0, low), reference.run(model, 0, clamped))


def test_an_input_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="takes int8 inputs of 4 bytes"):
        reference.run(dense_model([4, 2], [[2]]), 0, np.zeros((1, 5), np.int8))
