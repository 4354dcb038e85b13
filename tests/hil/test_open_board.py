"""The public face of hil: a board opened by name, packs and subnets by name, one error tree."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hil
import reds
from hil.boards.facts import Provenance
from hil.errors import (
    BoardAbsent,
    BoardsFileError,
    EmulatorError,
    InputsRefused,
    PackRefused,
    SetupError,
    UnknownSubnet,
)
from reds.pack.model import Model
from tests.hil.support.raising import raises
from tests.support.nets import inputs


def test_snippet_of_the_documentation_runs_on_the_emulated_nano(small_pack: Path) -> None:
    pack = reds.load(small_pack)
    x = inputs(pack.model, 5)
    with hil.open_board("nano33ble", emulate=True) as board:
        board.deploy(pack)
        small, full = (board.measure(subnet, n=20) for subnet in ("50%", "100%"))
        switch = board.measure_switch("50%", "100%", n=6)
        board.select("100%")
        out = board.infer(x)
        assert (board.name, board.facts().provenance) == ("nano33ble", Provenance.EMULATED)
        counted = board.measure(0, n=3, clock="instructions")
    assert small.median < full.median <= full.p95 <= full.worst
    assert {(s.unit, s.provenance) for s in (small, full, switch)} == {("us", "emulated")}
    assert (len(small.values), len(switch.values)) == (20, 6)
    assert (counted.unit, counted.values) == ("instructions", counted.ticks)
    assert np.array_equal(out, pack.run(x, subnet="100%"))


def test_inference_equals_the_pack_run_here_for_every_subnet_and_type(small_pack: Path) -> None:
    pack = reds.load(small_pack)
    x = np.random.default_rng(1).normal(size=(7, pack.model.input_size)).astype(np.float32)
    with hil.open_board("desktop") as board:
        board.deploy(small_pack)
        for subnet in ("50%", 1, "100%"):
            board.select(subnet)
            for given in (x, inputs(pack.model, 9)):
                out, wanted = board.infer(given), pack.run(given, subnet=subnet)
                assert out.dtype == wanted.dtype
                assert np.array_equal(out, wanted)


def test_deploying_selects_the_smallest_subnet_of_a_file_a_pack_or_a_model(
    small: Model, small_pack: Path
) -> None:
    x = inputs(small, 3).astype(np.float32)
    wanted = reds.load(small_pack).run(x, subnet=0)
    with hil.open_board("desktop") as board:
        for pack in (small_pack, str(small_pack), reds.load(small_pack), small):
            board.deploy(pack)
            assert board.pack.sha256 == reds.load(small_pack).sha256
            assert np.array_equal(board.infer(x), wanted)
            board.select(1)


def test_misuse_is_an_error_of_hil_and_the_board_stays_usable(small_pack: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.reds").write_bytes(b"no pack")
    with hil.open_board("desktop") as board:
        for use in (
            lambda: board.select(0),
            lambda: board.measure("25%"),
            lambda: board.infer([[1.0]]),
        ):
            with pytest.raises(PackRefused):
                use()
        for bad in ("bad.reds", "none.reds"):
            with pytest.raises(PackRefused, match=bad):
                board.deploy(tmp_path / bad)
        board.deploy(small_pack)
        for subnet in ("51%", 2, -1):
            with pytest.raises(UnknownSubnet, match=r"nown: 50%, 100%$"):
                board.select(subnet)
        with pytest.raises(InputsRefused):
            board.infer(np.zeros((1, 3), np.float32))
        with pytest.raises(SetupError, match="its clocks are: ns"):
            board.measure(0, clock="cycles")
        assert board.measure(0, n=3).median >= 0


def test_board_is_found_by_its_name_or_its_target(tmp_path: Path) -> None:
    file = tmp_path / "boards.toml"
    file.write_text("".join(f'[[board]]\nname = "{name}"\ntarget = "desktop"\n' for name in ("a", "b")))
    for name, found in (("b", "b"), ("desktop", "a")):
        with hil.open_board(name, boards=file) as board:
            assert board.name == found
    with pytest.raises(BoardsFileError), hil.open_board("c", boards=file):
        pass
    with pytest.raises(BoardAbsent), hil.open_board("nano33ble", boards=file):
        pass
    with pytest.raises(EmulatorError), hil.open_board("a", boards=file, emulate=True):
        pass


def test_public_names_are_imported_when_they_are_used() -> None:
    program = "import hil, sys; assert not {'numpy', 'cobs', 'reds', 'pytest'} & set(sys.modules)"
    program += (
        "; [getattr(hil, name) for name in dir(hil)]; assert not {'torch', 'serial'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert set(dir(hil)) == {*hil.__all__, "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'open_bord'"):
        hil.open_bord  # noqa: B018


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_wait_without_an_end_is_refused(seconds: float) -> None:
    with raises(SetupError), hil.open_board("desktop", lease_wait=seconds):
        pass
