"""Every rule of the model is one that is checked."""

from dataclasses import replace

import numpy as np
import pytest

from reds.errors import ModelError
from reds.pack.model import Activation, Kind, Model, Step
from reds.pack.validate import validate_model
from tests.support.nets import Maker, dense_model

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


def with_activation(subnet: int, index: int, **changes: object) -> Model:
    given: dict[str, object] = {"table": TABLE, "zero": 3} | changes
    return with_step(subnet, index, activation=Activation(**given))  # type: ignore[arg-type]


def with_stands(subnet: int, stands: dict[int, int], model: Model | None = None) -> Model:
    model = model or DEEP
    subnets = list(model.subnets)
    subnets[subnet] = replace(subnets[subnet], stands=stands)
    return replace(model, subnets=tuple(subnets))


def residual() -> Model:
    """x + f(x) between two dense layers, which the smaller of two subnets leaves out."""
    maker = Maker(1, 1, 8)
    for _ in range(3):
        maker.add(Kind.DENSE, 6)
    maker.add(Kind.ADD, other=1)
    maker.add(Kind.DENSE, 4)
    model = maker.build([[3, 2, 3, 4], [6, 6, 6, 4]])
    small, full = model.subnets
    shorter = replace(small, steps=(small.steps[0], small.steps[4]), stands={4: 1})
    model = replace(model, subnets=(shorter, full))
    return replace(model, subnets=(replace(shorter, macs=model.macs(0)), full))


def without_sum(model: Model) -> Model:
    """The model whose larger subnet runs all layers but the sum, which the smaller one runs."""
    full = model.subnets[1]
    shorter = replace(full, name="short", steps=(*full.steps[:3], full.steps[4]), stands={4: 1})
    return replace(model, subnets=(full, shorter))


TABLE = np.arange(-128, 128).clip(-127, 127).astype(np.int8)
TABLE[0] = 0
DEEP = residual()
BROKEN = [
    (without_sum(DEEP), "subnet short is not nested: it leaves out layer 3"),
    (replace(DEEP, subnets=DEEP.subnets[::-1]), "subnet 50% is not nested"),
    (with_stands(0, {}), "subnet 50%, layer 4 reads tensor 4, which the subnet leaves out"),
    (with_stands(0, {4: 2}), "tensor 4 stand for tensor 2, which no step writes"),
    (with_stands(0, {4: 4}), "tensor 4 stand for tensor 4.* earlier"),
    (with_stands(0, {4: 0}), "tensor 4 stand for tensor 0, which has another shape"),
    (with_stands(0, {4: 1, 5: 1}), "tensor 5 stand for tensor 1, but layer 4"),
    (with_stands(0, {4: 1, 6: 1}), "tensor 6 stand for tensor 1: .* 1 to 5"),
    (with_stands(0, {4: 1, 3: 99}), "tensor 3 stand for tensor 99"),
    (with_stands(1, {4: 1}), "tensor 4 stand for tensor 1, but layer 3"),
    (replace(NET, subnets=(replace(NET.subnets[0], steps=()),)), "subnet 50% leaves out layer 1"),
    (replace(NET, subnets=(replace(NET.subnets[0], steps=NET.subnets[0].steps[:1]),)), "leaves out layer 1"),
    (with_step(0, 1, layer=2), "layer 2"),
    (with_step(0, 0, layer=-1), "layer -1"),
    (with_step(0, 0, layer=1), "layer 1 after one of layer 1"),
    (with_activation(0, 0, zero=-127), "subnet 50%, layer 0 has an activation table after a ReLU"),
    (with_activation(0, 1, table=TABLE[1:]), r"subnet 50%, layer 1 .* int8 \[255\]"),
    (with_activation(0, 1, table=TABLE.astype(np.int16)), "subnet 50%, layer 1 .* int16"),
    (with_activation(0, 1, table=np.full(256, 1, np.int8)), "subnet 50%, layer 1 has 1 for -128"),
    (with_activation(0, 1, table=np.r_[TABLE[:9], np.int8(-128), TABLE[10:]]), "layer 1 has -128 in its"),
    (with_activation(0, 1, zero=-128), "subnet 50%, layer 1 has the zero point -128"),
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
    for model in (NET, DEEP, with_activation(0, 1), with_step(0, 1, activation=Activation(TABLE, -127))):
        validate_model(model)


def test_an_unknown_subnet_is_named_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"30%.*50%, 100%"):
        NET.subnet("30%")
