"""Cuts of the power at every flash operation of an update, and which pack answers after each."""

from pathlib import Path

import pytest

from tests.targets.power_cuts import LARGE, NEW, SLOT, UPDATES, count
from tests.targets.support.compilation import Compiler


@pytest.mark.parametrize("name", UPDATES)
def test_board_has_the_old_or_the_new_pack_wherever_the_power_is_cut(
    compiler: Compiler, tmp_path: Path, name: str
) -> None:
    update = UPDATES[name]
    assert len(LARGE) > SLOT >= len(NEW)
    counts = count(compiler, tmp_path, update, 6)
    assert counts["other"] == 0
    assert counts["new"] > 0
    assert counts["operations"] > len(update.new) // 4
    assert (counts["none"] == 0) == (update.safe or not update.before)
