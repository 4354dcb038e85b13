"""Every Cortex-M that QEMU emulates runs packs with the reference's bits, and counts instructions exactly."""

import numpy as np
import pytest

from hil.boards.cores import CORES, open_core
from reds.pack import interpreter
from reds.pack.model import Model
from tests.support.nets import dnn_s, inputs

pytestmark = [pytest.mark.cross("arm-none-eabi-gcc"), pytest.mark.qemu("qemu-system-arm")]


@pytest.mark.parametrize("core", sorted(CORES.keys() - {"cortex-m4"}))  # which the Nano and the STM32F4 have
def test_core_runs_every_subnet_and_counts_the_same_instructions_twice(core: str, small: Model) -> None:
    x = inputs(small, 5)
    with open_core(core) as board:
        board.deploy(small)
        for subnet, out in enumerate(board.infer_each(range(len(small.subnets)), x)):
            assert np.array_equal(out, interpreter.run(small, subnet, x))
        (clock,) = board.facts().clocks
        first, second = (board.measure(1, 5, clock, x).ticks for _ in range(2))
        assert first == second
        assert min(first) > small.macs(1)


def test_core_has_room_for_larger_packs_than_a_nano() -> None:
    with open_core("cortex-m3") as board:
        board.deploy(dnn_s())
        assert board.room[0] >= 8_000_000
