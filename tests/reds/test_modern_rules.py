"""Every rule of the kinds of modern layers is one that is checked, with its place."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from reds.errors import ModelError
from reds.pack.model import BIAS_LIMIT, Arena, Kind, Model, TensorShape
from reds.pack.validate import validate_model
from reds.pack.validate.arena import validate_arena
from tests.support.nets import Maker


def net() -> Model:
    """A net of two subnets with a layer of each modern kind."""
    maker = Maker(4, 4, 4)
    maker.add(Kind.CONV, 8, (3, 3), padding=(2, 2, 2, 2), dilation=(2, 2))
    maker.add(Kind.GROUPED, 8, (3, 3), padding=(1, 1, 1, 1), groups=2)
    maker.add(Kind.MULTIPLY, other=1)
    maker.add(Kind.CONCAT, other=2)
    maker.add(Kind.PRELU)
    maker.add(Kind.LAYER_NORM)
    maker.add(Kind.ATTENTION, inputs=(6, 5, 4), groups=4)
    maker.add(Kind.EMBED, padding=(1, 0, 0, 0))
    maker.add(Kind.CONV, 6)
    maker.add(Kind.TRANSPOSE)
    maker.add(Kind.RESHAPE, shape=TensorShape(3, 2, 17))
    maker.add(Kind.TRANSPOSED, 5, (3, 3), (2, 2), (1, 1, 1, 1))
    maker.add(Kind.UPSAMPLE, stride=(2, 1))
    maker.add(Kind.AVERAGE_POOL, 0, (3, 3), (2, 2), (1, 1, 1, 1))
    return maker.build([[4, 6, 2], [8, 6, 5]])


NET = net()
(
    CONV, GROUPED, MULTIPLY, CONCAT, PRELU, LAYER_NORM, ATTENTION, EMBED, _, TRANSPOSE, RESHAPE, TRANSPOSED,
    UPSAMPLE, POOL,
) = range(14)  # fmt: skip


def layer(index: int, **changes: object) -> Model:
    layers = list(NET.layers)
    layers[index] = replace(layers[index], **changes)  # type: ignore[arg-type]
    return replace(NET, layers=tuple(layers))


def tensor(index: int, *shape: int) -> Model:
    tensors = list(NET.tensors)
    tensors[index] = TensorShape(*shape)
    return replace(NET, tensors=tuple(tensors))


def step(index: int, **changes: object) -> Model:
    full = NET.subnets[1]
    steps = list(full.steps)
    steps[index] = replace(steps[index], **changes)  # type: ignore[arg-type]
    return replace(NET, subnets=(NET.subnets[0], replace(full, steps=tuple(steps))))


def rows(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int32)


def units(index: int, count: int) -> Model:
    """The net whose smaller subnet writes so many units in a layer."""
    small = NET.subnets[0]
    steps = list(small.steps)
    steps[index] = replace(steps[index], units_out=count)
    return replace(NET, subnets=(replace(small, steps=tuple(steps)), NET.subnets[1]))


BROKEN = [
    (layer(CONV, dilation=(0, 1)), r"layer 0 has dilation \(0, 1\)"),
    (layer(CONV, dilation=(2, 256)), r"layer 0 has dilation \(2, 256\)"),
    (
        layer(CONV, dilation=(9, 1)),
        "layer 0 has a window of 19 x 3: it does not fit its padded input of 8 x 8",
    ),
    (layer(CONV, padding=(5, 2, 2, 2)), r"layer 0 has padding \(5, .* less than its window of 5 x 5"),
    (layer(PRELU, dilation=(1, 2)), r"layer 4 \(prelu\) has dilation"),
    (layer(POOL, dilation=(2, 1)), r"layer 13 \(average_pool\) has dilation"),
    (layer(POOL, padding=(3, 1, 1, 1)), "layer 13 has padding"),
    (layer(CONV, groups=2), r"layer 0 \(conv\) has 2 groups"),
    (layer(GROUPED, groups=0), "layer 1 has 0 groups"),
    (layer(GROUPED, groups=3), "layer 1 has 3 groups of 8 units"),
    (layer(GROUPED, groups=4), r"layer 1 has weights int8 \[8, 36\]: int8 \[8, 18\] is needed"),
    (layer(ATTENTION, groups=3), "layer 6 has 3 groups of 16 units"),
    (layer(MULTIPLY, inputs=(2,)), r"layer 2 \(multiply\) reads 1 tensors: it must read 2"),
    (layer(MULTIPLY, inputs=(2, 0)), r"layer 2 \(multiply\) reads 4 x 4 x 8 and 4 x 4 x 4"),
    (layer(CONCAT, inputs=(3,)), "layer 3 .* must read 2 or 3 or 4"),
    (layer(CONCAT, inputs=(3, 2, 1)), "layer 3 joins 4 x 4 x 8, 4 x 4 x 8, 4 x 4 x 8 into 4 x 4 x 16"),
    (layer(ATTENTION, inputs=(6, 5)), "layer 6 .* must read 3"),
    (layer(ATTENTION, inputs=(6, 5, 3)), "layer 6 reads queries 4 x 4 x 16, keys .* and values 4 x 4 x 8"),
    (layer(LAYER_NORM, weights=np.ones((1, 1), np.int8)), "layer 5 .*: layer_norm has none"),
    (layer(LAYER_NORM, kernel=(2, 1)), r"layer 5 \(layer_norm\) has kernel"),
    (layer(LAYER_NORM, stride=(2, 1)), r"layer 5 \(layer_norm\) has stride"),
    (layer(EMBED, padding=(1, 1, 0, 0)), r"layer 7 \(embed\) has kernel .* and padding"),
    (layer(EMBED, padding=(0, 0, 0, 0)), "layer 7 writes 17 x 1 x 16: embed of 4 x 4 x 16 writes 4 x 4 x 16"),
    (layer(EMBED, weights=np.zeros((16, 16), np.int8)), r"layer 7 has weights .* int8 \[17, 16\] is needed"),
    (layer(EMBED, weights=np.full((17, 16), -128, np.int8)), "layer 7 has a weight of -128"),
    (tensor(11, 3, 2, 16), "layer 10 reshapes 6 x 1 x 17 into 3 x 2 x 16"),
    (tensor(10, 17, 1, 6), "layer 9 writes 17 x 1 x 6: transpose of 17 x 1 x 6 writes 6 x 1 x 17"),
    (layer(TRANSPOSED, padding=(3, 1, 1, 1)), "layer 11 has padding"),
    (layer(TRANSPOSED, stride=(2, 3)), "layer 11 writes 5 x 3 positions: its windows give 5 x 4"),
    (layer(TRANSPOSED, stride=(0, 1)), "layer 11 has kernel"),
    (layer(TRANSPOSED, dilation=(2, 1)), r"layer 11 \(transposed\) has dilation"),
    (layer(UPSAMPLE, stride=(256, 1)), "layer 12 writes each row and column"),
    (layer(UPSAMPLE, stride=(3, 1)), "layer 12 writes 10 x 3 x 5: upsample of 5 x 3 x 5 writes 15 x 3 x 5"),
    (layer(UPSAMPLE, kernel=(2, 1)), r"layer 12 \(upsample\) has kernel"),
    (layer(UPSAMPLE, relu=True), "subnet 50%, layer 12 has the zero point|subnet 50%, layer 12 has a ReLU"),
    (step(MULTIPLY, bias=rows([1])), "subnet 100%, layer 2 has a bias of 1: a multiplication has none"),
    (step(CONCAT, bias=rows([0])), r"subnet 100%, layer 3 has biases int32 \[1\]: int32 \[2\]"),
    (step(PRELU, bias=rows([255] * 16)), r"layer 4 has the multipliers \[255, 255, 255\]"),
    (step(PRELU, bias=rows([BIAS_LIMIT] * 16)), "layer 4 has a bias of magnitude"),
    (step(LAYER_NORM, bias=rows([0] * 17)), "layer 5 has an epsilon of 0"),
    (step(LAYER_NORM, multiplier=rows([256] * 17)), "layer 5 has the multiplier 256 beside its epsilon"),
    (step(ATTENTION, bias=rows([0])), "layer 6 has 0 for its exponents' multiplier"),
    (step(EMBED, factors=(1 << 15, 0)), "layer 7 has a factor of magnitude"),
    (step(PRELU, factors=(1, 0)), "layer 4 has factors"),
    (step(TRANSPOSE, zero=3), "layer 9 changes the zero point"),
    (units(GROUPED, 5), "subnet 50%, layer 1 writes 5 units but reads 4: grouped must write 4"),
    (units(CONCAT, 7), "subnet 50%, layer 3 writes 7 units but reads 8: concat must write 8"),
]


@pytest.mark.parametrize(("model", "place"), BROKEN)
def test_a_broken_rule_is_refused_with_its_place(model: Model, place: str) -> None:
    with pytest.raises(ModelError, match=place):
        validate_model(model)


def test_net_of_every_modern_kind_keeps_the_rules() -> None:
    validate_model(NET)


def test_subnets_keep_whole_groups_and_heads() -> None:
    for index, block in ((GROUPED, 4), (ATTENTION, 4)):
        layer, small = NET.layers[index], NET.subnets[0].steps[index]
        assert small.units_in % block == 0
        changed = replace(layer, groups=1)
        model = replace(
            NET, layers=tuple(changed if i == index else each for i, each in enumerate(NET.layers))
        )
        if index == GROUPED:
            weights = np.zeros((8, 72), np.int8)
            model = replace(
                model, layers=(model.layers[0], replace(changed, weights=weights), *model.layers[2:])
            )
        with pytest.raises(
            ModelError, match=f"layer {index} reads {small.units_in} units: it keeps whole groups"
        ):
            validate_model(model)


def test_layer_that_swaps_units_and_positions_keeps_all_of_them() -> None:
    maker = Maker(2, 3, 4)
    maker.add(Kind.CONV, 6)
    maker.add(Kind.TRANSPOSE)
    model = maker.build([[6], [6]])
    validate_model(model)
    with pytest.raises(ModelError, match="subnet 50%, layer 1 reads 5 units of 6: every subnet keeps all"):
        validate_model(maker.build([[5], [6]]))
    reshaped = replace(model.layers[1], kind=Kind.RESHAPE)
    tensors = *model.tensors[:2], TensorShape(1, 3, 12)
    with pytest.raises(ModelError, match="subnet 50%, layer 1 reads 5 units of 6: every subnet keeps all"):
        validate_model(replace(maker.build([[5], [6]]), tensors=tensors, layers=(model.layers[0], reshaped)))


def test_large_heads_and_many_scores_are_refused() -> None:
    maker = Maker(1, 1, 32_769)
    maker.add(Kind.ATTENTION, inputs=(0, 0, 0))
    with pytest.raises(ModelError, match="layer 0 has heads of 32,769 units: at most 32,768"):
        validate_model(maker.build([[]]))
    maker = Maker(2048, 3, 3)
    maker.add(Kind.ATTENTION, inputs=(0, 0, 0), groups=3)
    with pytest.raises(ModelError, match="layer 0 computes 113,246,208 scores"):
        validate_model(maker.build([[]]))
    maker = Maker(16_385, 1, 1)
    maker.add(Kind.ATTENTION, inputs=(0, 0, 0))
    with pytest.raises(ModelError, match="layer 0 reads 16,385 positions of keys: at most 16,384"):
        validate_model(maker.build([[]]))


def test_scratch_of_an_attention_lies_in_the_arena_by_itself() -> None:
    valid = Arena((0, 16), (32,), 48)
    validate_arena("it", valid, [16, 16], [16], [(0, 0), (0, 0)])
    for scratch, size, problem in (
        (16, 48, "the output of step 0 .* the scratch of step 0"),
        (48, 48, "within"),
    ):
        with pytest.raises(ModelError, match=problem):
            validate_arena(
                "it", replace(valid, scratch=(scratch,), size=size), [16, 16], [16], [(0, 0), (0, 0)]
            )
