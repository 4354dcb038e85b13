"""Cuts of the power of an emulated Nano in an update; `python -m tests.hil.power_cuts` cuts it everywhere."""

import pytest

from tests.hil.power_cuts import count, small


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_board_answers_with_the_old_or_the_new_pack_wherever_its_power_is_cut() -> None:
    found = count(small(), states=2, every=500, say=lambda what: None)
    for counts in found.values():
        assert counts["old"] + counts["new"] == counts.total()
        assert min(counts["old"], counts["new"]) > 0
