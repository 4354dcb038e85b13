"""A subnet taken out of its pack computes what it computes inside of it."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from reds.errors import ModelError
from reds.pack import interpreter
from reds.pack.extract import extract_subnet, extract_up_to
from reds.pack.model import Kind, Model
from reds.pack.validate import validate_model
from tests.support.modern import modern_nets
from tests.support.nets import Maker, inputs


def assert_same(model: Model, subnet: int, alone: Model) -> None:
    validate_model(alone)
    x = inputs(model, 3)
    for smaller in range(len(alone.subnets)):
        inside = subnet - len(alone.subnets) + 1 + smaller
        assert np.array_equal(interpreter.run(alone, smaller, x), interpreter.run(model, inside, x))


@pytest.mark.parametrize("seed", range(24))
def test_subnets_of_modern_nets_compute_the_same_alone(seed: int) -> None:
    (model,) = modern_nets([seed])
    for subnet in range(3):
        assert_same(model, subnet, extract_up_to(model, subnet))
        with suppress(ModelError):
            assert_same(model, subnet, extract_subnet(model, subnet))


def test_few_subnets_of_modern_nets_cannot_stand_alone() -> None:
    """Random nets add what no real one would: tensors that are joined in different ways."""
    refused = 0
    for model in modern_nets(range(40)):
        try:
            extract_subnet(model, 2)
        except ModelError:
            refused += 1
    assert 0 < refused < 10


def dense_block() -> Model:
    """A concatenation that feeds layers of every way to read units in its order."""
    maker = Maker(4, 3, 2)
    first = maker.add(Kind.CONV, 4)
    second = maker.add(Kind.CONV, 8, (3, 3), padding=(1, 1, 1, 1))
    joined = maker.add(Kind.CONCAT, inputs=(first, second))
    maker.add(Kind.DEPTHWISE, 0, (3, 3), padding=(1, 1, 1, 1))
    maker.add(Kind.GROUPED, 12, (3, 3), groups=6)
    added = maker.add(Kind.CONV, 12)
    maker.add(Kind.UPSAMPLE, stride=(2, 3))
    maker.add(Kind.ADD, inputs=(joined, added + 1))
    maker.add(Kind.LAYER_NORM)
    maker.add(Kind.PRELU)
    maker.add(Kind.CONCAT, inputs=(second, added + 4))
    maker.add(Kind.EMBED)
    maker.add(Kind.FLATTEN)
    maker.add(Kind.DENSE, 5)
    return maker.build([[2, 2, 4, 5], [2, 6, 8, 5], [4, 8, 12, 5]])


@pytest.mark.parametrize("subnet", range(3))
def test_layers_around_a_concatenation_are_reordered(subnet: int) -> None:
    model = dense_block()
    alone = extract_subnet(model, subnet)
    assert_same(model, subnet, alone)
    moved = alone.layers[3].weights, extract_up_to(model, subnet).layers[3].weights
    assert np.array_equal(*moved) == (subnet < 2)  # the third adds units of the first input too


def test_units_that_two_layers_need_in_different_orders_are_refused() -> None:
    maker = Maker(1, 1, 2)
    for units in (4, 4, 4, 4):
        maker.add(Kind.CONV, units)
    one, other = (maker.add(Kind.CONCAT, inputs=pair) for pair in ((1, 2), (3, 4)))
    maker.add(Kind.ADD, inputs=(one, other))
    maker.add(Kind.DENSE, 3)
    model = maker.build([[1, 3, 3, 1, 3], [4, 4, 4, 4, 3]])
    assert_same(model, 1, extract_up_to(model, 1))
    with pytest.raises(ModelError, match=r"subnet 100% cannot stand alone: .*tensor [5-7]"):
        extract_subnet(model, 1)


def test_concatenation_that_would_join_in_another_order_is_refused() -> None:
    """Both subnets leave out tensor 2; the larger one reads tensor 1 for it, the smaller one nothing."""
    maker = Maker(1, 1, 4)
    maker.add(Kind.CONV, 4)
    maker.add(Kind.CONV, 4)
    maker.add(Kind.CONCAT, inputs=(2, 1))
    maker.add(Kind.CONV, 4)
    maker.add(Kind.ADD, other=1)
    maker.add(Kind.DENSE, 3)
    model = maker.build([[2, 2, 2, 3], [4, 4, 4, 3]])
    small, full = model.subnets
    small = replace(small, steps=(small.steps[0], small.steps[5]), stands={5: 1})
    full = replace(full, steps=(full.steps[0], *full.steps[2:]), stands={2: 1})
    model = replace(model, subnets=(small, full))
    model = replace(model, subnets=tuple(replace(s, macs=model.macs(i)) for i, s in enumerate(model.subnets)))
    validate_model(model)
    assert_same(model, 0, extract_up_to(model, 0))
    with pytest.raises(ModelError, match=r"layer 2 would join units in another order .* keep all subnets"):
        extract_up_to(model, 1)
