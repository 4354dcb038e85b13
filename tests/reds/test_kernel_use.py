"""Kernels that run the layers of a pack, and the reasons for portable ones."""

from collections.abc import Sequence

import pytest

from reds.pack.kernel_use import PORTABLE, kernel_lines, portable_layers
from reds.pack.layouts import CANONICAL, LAYOUTS, Layout, best
from reds.pack.model import IntegerLayer, Kind, TensorShape
from tests.support.modern import modern_nets
from tests.support.nets import Maker, random_model

FAST = [layout for layout in LAYOUTS.values() if layout is not CANONICAL]


def pairs(count: int) -> Maker:
    maker = Maker(5, 5, 4)
    for _ in range(count):
        maker.add(Kind.CONV, 4)
        maker.add(Kind.DEPTHWISE, 0, (3, 3), padding=(1, 1, 1, 1))
    return maker


@pytest.fixture
def no_depthwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the kernels of depthwise layers from every layout."""

    def refusal(layout: Layout, layer: IntegerLayer, sources: Sequence[TensorShape]) -> str:
        return "a depthwise layer of tests" if layer.kind is Kind.DEPTHWISE else ""

    for layout in FAST:
        monkeypatch.setattr(type(layout), "refusal", refusal)


@pytest.mark.parametrize("layout", FAST, ids=lambda layout: layout.name)
def test_portable_layers_are_those_without_another_layout(layout: object) -> None:
    ids = {0, next(each.id for each in FAST if each is layout)}
    for model in (*map(random_model, range(20)), *modern_nets(range(20))):
        portable = sorted(i for of in portable_layers(model, ids).values() for i in of)
        chosen = best(model, ids)
        assert portable == [i for i in range(len(model.layers)) if chosen[i] is CANONICAL]
        lines = kernel_lines(model, ids)
        assert bool(portable) == all(line.startswith(PORTABLE) for line in lines)


@pytest.mark.usefixtures("no_depthwise")
def test_layers_of_one_reason_share_a_line() -> None:
    model = pairs(2).build([[4, 4]])
    assert kernel_lines(model, [4]) == [
        "portable kernels run layers 1, 3 of 4: radix256 has no kernel for a depthwise layer of tests"
    ]
    assert kernel_lines(pairs(1).build([[4]]), [4]) == [
        "portable kernels run layer 1 (depthwise) of 2: radix256 has no kernel for a depthwise layer of tests"
    ]
    assert kernel_lines(model, [0]) == [
        "portable kernels run layers 0, 1, 2, 3 of 4: this processor has no others"
    ]
    many = pairs(9).build([[4] * 9])
    assert kernel_lines(many, [5]) == [
        "portable kernels run 9 layers of 18: neon has no kernel for a depthwise layer of tests"
    ]


def test_one_line_says_that_all_layers_are_fast() -> None:
    maker = Maker(5, 5, 4)
    maker.add(Kind.CONV, 4)
    assert kernel_lines(maker.build([[4]]), [0, 4]) == ["fast kernels (radix256) run the only layer"]
