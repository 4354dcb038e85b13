"""The reference against the rule written out in Python's unbounded integers."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.pack import interpreter
from reds.pack.model import Kind, Model, Step
from tests.support.depth import deep_nets
from tests.support.nets import dense_model, inputs, random_model


def requantized(acc: int, step: Step, row: int) -> int:
    zero = step.activation.zero if step.activation else step.zero
    return max(-127, min(127, zero + ((acc * int(step.multiplier[row]) + 2**31) >> 32)))


def by_hand(model: Model, subnet: int, x: list[int]) -> list[int]:
    """One inference, value by value: tensors are {(y, x, unit): value}."""
    shape = model.tensors[0]
    places = list(product(range(shape.height), range(shape.width), range(shape.units)))
    values: dict[int, dict[tuple[int, int, int], int]] = {0: dict(zip(places, x, strict=True))}
    rooms = model.rooms(subnet)
    for step in model.subnets[subnet].steps:
        layer = model.layers[step.layer]
        reads = [values[rooms[tensor].holds] for tensor in layer.inputs]
        read, zero = reads[0], rooms[layer.inputs[0]].zero
        target = model.tensors[layer.output]
        written = {}
        for y, x_, unit in product(range(target.height), range(target.width), range(step.units_out)):
            top, left = y * layer.stride[0] - layer.padding[0], x_ * layer.stride[1] - layer.padding[1]
            window = [(top + i, left + j) for i, j in product(range(layer.kernel[0]), range(layer.kernel[1]))]
            weights = layer.weights.tolist()
            if layer.kind is Kind.FLATTEN:
                source = model.tensors[layer.inputs[0]]
                at, site = divmod(unit, source.positions)
                value = read[(*divmod(site, source.width), at)]
            elif layer.kind is Kind.ADD:
                place = (y, x_, unit)
                both = step.factors[0] * read[place] + step.factors[1] * reads[1][place]
                value = requantized(int(step.bias[0]) + both, step, 0)
            elif layer.kind is Kind.MAX_POOL:
                value = max(read[(*site, unit)] for site in window)
            elif layer.kind is Kind.AVERAGE_POOL:
                total = step.factors[0] * sum(read[(*site, unit)] for site in window)
                value = requantized(int(step.bias[0]) + total, step, 0)
            else:
                full = model.tensors[layer.inputs[0]].units
                acc = int(step.bias[unit])
                for t, site in enumerate(window):
                    if layer.kind is Kind.DEPTHWISE:
                        acc += weights[unit][t] * read.get((*site, unit), zero)
                    else:
                        for i in range(step.units_in):
                            acc += weights[unit][t * full + i] * read.get((*site, i), zero)
                value = requantized(acc, step, unit)
            written[(y, x_, unit)] = int(step.activation.table[value + 128]) if step.activation else value
        values[layer.output] = written
    return list(values[rooms[-1].holds].values())


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


def test_inputs_of_minus_128_count_as_minus_127() -> None:
    model = dense_model([4, 2], [[2]])
    low, clamped = np.full((1, 4), -128, np.int8), np.full((1, 4), -127, np.int8)
    assert np.array_equal(interpreter.run(model, 0, low), interpreter.run(model, 0, clamped))


def test_an_input_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"int8.* 4 "):
        interpreter.run(dense_model([4, 2], [[2]]), 0, np.zeros((1, 5), np.int8))
