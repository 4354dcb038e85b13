"""The Helium kernels on the emulated Cortex-M55 give the reference's bits."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from hil.boards.board import Board
from hil.boards.cores import open_core
from reds.pack import interpreter
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind, Model
from tests.support.nets import Maker, dense_model, inputs, random_model
from tests.targets.support.models import WIDE, plain_conv

pytestmark = [pytest.mark.cross("arm-none-eabi-gcc"), pytest.mark.qemu("qemu-system-arm")]

HELIUM = LAYOUTS[7]
Check = Callable[[Model], None]


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with open_core("cortex-m55") as opened:
        yield opened


@pytest.fixture
def equals_the_reference(board: Board) -> Check:
    """A check that every subnet of a model, of which Helium runs a part, gives the reference's outputs."""

    def check(model: Model) -> None:
        x = inputs(model, 3, seed=5)
        board.deploy(model)
        assert HELIUM in board.layouts(model), model.name
        for s, out in enumerate(board.infer_each(range(len(model.subnets)), x)):
            assert np.array_equal(out, interpreter.run(model, s, x)), (model.name, s)

    return check


def layers(side: int, units: int, nested: list[list[int]], seed: int, **options: object) -> Model:
    """Return a model of a pointwise layer that its subnets cut, and one more convolution."""
    maker = Maker(side, side, 3, seed, extreme=True)
    maker.add(Kind.CONV, units)
    maker.add(Kind.CONV, 5, **options)  # type: ignore[arg-type]
    return maker.build(nested, f"layers-{units}")


def test_wide_and_narrow_layers_equal_the_reference(equals_the_reference: Check) -> None:
    for model in (*WIDE, plain_conv(), *(random_model(seed, subnets=3) for seed in range(4))):
        equals_the_reference(model)


def test_dense_layers_of_any_width_equal_the_reference(equals_the_reference: Check) -> None:
    for units in (1, 15, 16, 17, 70):
        equals_the_reference(
            dense_model([units, units + 2, 3], [[1, 3], [units + 2, 3]], units, extreme=True)
        )


@pytest.mark.parametrize("units", [10, 15, 16, 20, 33])
def test_subnets_read_a_part_of_each_position(equals_the_reference: Check, units: int) -> None:
    """Windows over fewer than 16 units are gathered, with 0 outside the subnet; others are read by runs."""
    nested = [[1, 5], [units // 2, 5], [units, 5]]
    equals_the_reference(layers(6, units, nested, 1, kernel=(3, 2), padding=(1, 0, 1, 1)))
    equals_the_reference(layers(6, units, nested, 2, kernel=(2, 3), dilation=(2, 1)))
    equals_the_reference(layers(6, units, nested, 3, kernel=(2, 2), dilation=(1, 2), stride=(1, 2)))


@pytest.mark.parametrize("units", [1, 4, 8, 12, 16, 18, 40])
def test_depthwise_layers_of_any_width_equal_the_reference(equals_the_reference: Check, units: int) -> None:
    """Units that divide 16 share a vector with the next positions, at a stride of 1."""
    for kernel, stride, dilation, padding in (
        ((3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
        ((3, 3), (2, 2), (1, 1), (1, 0, 1, 0)),
        ((1, 4), (1, 1), (1, 2), (0, 0, 0, 0)),
        ((5, 1), (1, 1), (1, 1), (2, 0, 2, 0)),
    ):
        maker = Maker(9, 9, units, units, extreme=True)
        maker.add(Kind.DEPTHWISE, 0, kernel, stride, padding, dilation=dilation)
        equals_the_reference(maker.build([[]], f"depthwise-{units}"))


def test_average_over_more_values_than_a_halfword_can_sum_is_exact(equals_the_reference: Check) -> None:
    for side in (16, 17):
        maker = Maker(side, side, 9, side)
        maker.add(Kind.AVERAGE_POOL, 0, (side, side))
        equals_the_reference(maker.build([[]], f"average-{side}"))


@pytest.mark.parametrize("kind", [Kind.AVERAGE_POOL, Kind.MAX_POOL])
def test_padded_pools_equal_the_reference(equals_the_reference: Check, kind: Kind) -> None:
    maker = Maker(7, 7, 21, 1)
    maker.add(kind, 0, (3, 3), (2, 1), (1, 1, 1, 2))
    equals_the_reference(maker.build([[]], "padded-pool"))


def test_layers_that_helium_lacks_run_by_the_kernels_of_the_cortex_m4(board: Board) -> None:
    maker = Maker(4, 4, 3)
    maker.add(Kind.CONV, 6)
    maker.add(Kind.FLATTEN)
    model = maker.build([[6]])
    board.deploy(model)
    assert [layout.name for layout in board.layouts(model)] == ["helium", "radix256"]
