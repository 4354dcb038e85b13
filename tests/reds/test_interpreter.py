"""The reference against the rule written out in Python's unbounded integers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.pack import interpreter
from reds.pack.interpreter.sliding import transposed
from reds.pack.model import IntegerLayer, Kind, Step
from tests.reds.support.by_hand import by_hand
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import dense_model, inputs, random_model


@settings(max_examples=60)
@given(
    widths=st.lists(st.integers(1, 12), min_size=2, max_size=4),
    seed=st.integers(0, 999),
    extreme=st.booleans(),
)
def test_dense_nets_follow_the_requantization_rule(widths: list[int], seed: int, extreme: bool) -> None:
    half = [max(1, w // 2) for w in widths[1:]]
    model = dense_model(widths, [half, widths[1:]], seed, extreme=extreme)
    x = inputs(model, 4, seed)
    for s in range(2):
        assert interpreter.run(model, s, x).tolist() == [by_hand(model, s, row) for row in x.tolist()]


@settings(max_examples=120)
@given(seed=st.integers(0, 2**20))
def test_nets_of_every_kind_of_layer_follow_the_requantization_rule(seed: int) -> None:
    model = random_model(seed)
    x = inputs(model, 3, seed)
    for s in range(len(model.subnets)):
        assert interpreter.run(model, s, x).tolist() == [by_hand(model, s, row) for row in x.tolist()]


@pytest.mark.parametrize("seed", range(6))
def test_nets_with_left_out_blocks_and_activation_tables_follow_the_rules(seed: int) -> None:
    for model in deep_nets([seed]):
        x = inputs(model, 3, seed)
        for s in range(len(model.subnets)):
            assert interpreter.run(model, s, x).tolist() == [by_hand(model, s, row) for row in x.tolist()]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**20))
def test_nets_of_modern_layers_follow_the_rules(seed: int) -> None:
    (model,) = modern_nets([seed])
    x = inputs(model, 1, seed)
    for s in range(len(model.subnets)):
        assert interpreter.run(model, s, x).tolist() == [by_hand(model, s, row) for row in x.tolist()]


@settings(max_examples=20)
@given(
    sides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 999),
)
def test_transposed_convolution_is_that_of_torch(
    sides: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], seed: int
) -> None:
    """The pack holds the kernel turned around, so that devices slide it as that of a convolution."""
    rng = np.random.default_rng(seed)
    x, weights = rng.integers(-127, 128, (2, *sides, 3)), rng.integers(-127, 128, (5, 3, *kernel))
    padding = int(rng.integers(0, (min(kernel) + 1) // 2))
    turned = weights[:, :, ::-1, ::-1].transpose(0, 2, 3, 1).reshape(5, -1).astype(np.int8)
    window = kernel, stride, (padding,) * 4
    layer = IntegerLayer(Kind.TRANSPOSED, (0,), 1, turned, False, *window)
    none = np.zeros(5, np.int32)
    written = torch.nn.functional.conv_transpose2d(
        torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float64),
        torch.tensor(weights.swapaxes(0, 1).copy(), dtype=torch.float64), stride=stride, padding=padding,
    )  # fmt: skip
    acc = transposed(layer, Step(0, 3, 5, none, none, 0), interpreter.Read(x.astype(np.int8), 0))
    assert np.array_equal(acc, written.numpy().transpose(0, 2, 3, 1))


def test_inputs_of_minus_128_count_as_minus_127() -> None:
    model = dense_model([4, 2], [[2]])
    low, clamped = np.full((1, 4), -128, np.int8), np.full((1, 4), -127, np.int8)
    assert np.array_equal(interpreter.run(model, 0, low), interpreter.run(model, 0, clamped))


def test_an_input_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"int8.* 4 "):
        interpreter.run(dense_model([4, 2], [[2]]), 0, np.zeros((1, 5), np.int8))
