"""Every rule of the model is one that is checked."""

from dataclasses import replace

import numpy as np
import pytest

from reds.errors import ModelError
from reds.pack.model import Kind, Model, Step
from reds.pack.validate import validate_model
from tests.support.nets import dense_model

NET = dense_model([8, 6, 4], [[3, 4], [6, 4]])


def with_layer(index: int, **changes: object) -> Model:
    layers = list(NET.layers)
    layers[index] = replace(layers[index], **changes)  # type: ignore[arg-type]
    return replace(NET, layers=tuple(layers))


def with_step(subnet: int, index: int, **changes: object) -> Model:
    subnets = list(NET.subnets)
    steps = list(subnets[subnet].steps)
    steps[index] = replace(steps[index], **changes)  # type: ignore[arg-type]
    subnets[subnet] = replace(subnets[subnet], steps=tuple(steps))
    return replace(NET, subnets=tuple(subnets))


def step(layer: int, n_in: int, n_out: int) -> Step:
    return Step(layer, n_in, n_out, np.zeros(n_out, np.int32), np.zeros(n_out, np.int32), -127)


BROKEN = [
    (replace(NET, name=""), "name"),
    (replace(NET, subnets=()), "subnets"),
    (with_layer(0, kind=Kind.DEPTHWISE), "layer 0"),
    (with_layer(0, kind=Kind.CONV, kernel=(2, 1)), "layer 0"),
    (with_layer(0, kernel=(2, 1)), "layer 0"),
    (with_layer(0, kind=Kind.FLATTEN), "layer 0"),
    (with_layer(0, kind=Kind.ADD), "layer 0"),
    (with_layer(0, inputs=(0, 0)), "layer 0"),
    (with_step(0, 0, factors=(1, 0)), "subnet 50%, layer 0"),
    (with_step(0, 0, factors=(1 << 15, 0)), "subnet 50%, layer 0"),
    (with_layer(1, inputs=(2,)), "layer 1"),
    (with_layer(0, weights=np.full((6, 8), -128, np.int8)), "layer 0"),
    (with_layer(0, weights=np.zeros((6, 7), np.int8)), "layer 0"),
    (with_step(0, 0, bias=np.full(3, 1 << 30, np.int32)), "subnet 50%, layer 0"),
    (with_step(1, 1, multiplier=np.full(4, 255, np.int32)), "subnet 100%, layer 1"),
    (with_step(0, 0, zero=0), "subnet 50%, layer 0"),
    (with_step(0, 1, zero=-128), "subnet 50%, layer 1"),
    (with_step(0, 0, bias=np.zeros(2, np.int32)), "subnet 50%, layer 0"),
    (with_step(1, 1, units_in=5), "subnet 100%, layer 1"),
    (replace(NET, subnets=(NET.subnets[1], NET.subnets[0])), "subnet 50%"),
    (replace(NET, subnets=(replace(NET.subnets[0], macs=7),)), "subnet 50%.* 7 .* 36"),
    (replace(NET, subnets=(replace(NET.subnets[0], name="far too long"),)), "name"),
    (
        replace(NET, subnets=(replace(NET.subnets[0], steps=(step(0, 8, 7), step(1, 7, 4))),)),
        "subnet 50%, layer 0",
    ),
]


@pytest.mark.parametrize(("model", "place"), BROKEN)
def test_a_broken_rule_is_refused_with_its_place(model: Model, place: str) -> None:
    with pytest.raises(ModelError, match=place):
        validate_model(model)


def test_a_model_that_keeps_every_rule_passes() -> None:
    validate_model(NET)


def test_an_unknown_subnet_is_named_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"30%.*50%, 100%"):
        NET.subnet("30%")
