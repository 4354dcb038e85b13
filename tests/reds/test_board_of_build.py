"""A board of another package: `reds` finds it by its entry point, and a build outlives its loss."""

import json
import sys
from pathlib import Path

import pytest

from reds.errors import BoardError
from reds.experiment.board import GROUP, Target
from tests.reds.support.command import run
from tests.reds.support.tiny_recipe import tiny_recipe

OPENER = '''"""A board whose layers take a hundredth of a microsecond for each pair of units."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np

from reds.errors import BoardError
from reds.nesting.cost.latency import Latency, LayerTimes
from reds.pack.layouts import LAYOUTS

LOST = Path(__file__).with_name("lost")


class Stub:
    facts = {"board": "stub", "provenance": "hardware"}

    def layout(self, graph):
        return LAYOUTS[4]

    def latency(self, graph, grids):
        if LOST.exists() and LOST.read_text() == "before":
            raise BoardError("stub: it is lost; plug it in")
        times = {}
        for layer in graph.layers:
            units = [grids[g] for g in (layer.reads[0].group, layer.writes[0].group)]
            times[layer.name] = LayerTimes(units, 0.01 * np.outer(*units))
        return Latency("stub", times, 64e6)

    def energy_per_cycle(self, graph):
        return 0.25

    def costs(self, model):
        if LOST.exists():
            raise BoardError("stub: it is lost; plug it in")
        return [{"us": subnet.macs / 90, "arena": 1000} for subnet in model.subnets]


@contextmanager
def opened(name, emulate, boards):
    yield Stub()
'''


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package of the board."""
    folder = tmp_path / "site"
    info = folder / "a_stub-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "stub_of_a_board.py").write_text(OPENER)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a-stub\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\na-stub = stub_of_a_board:opened\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "stub_of_a_board", raising=False)
    return folder


def recipe_of(folder: Path) -> Path:
    path = tiny_recipe(folder)
    text = path.read_text().replace("{ budget = 0.5 }, { budget = 1.0 }", "{ energy = 400 }, {}")
    path.write_text(text.replace("epochs = 12", "epochs = 2"))
    return path


def test_board_lost_before_training_ends_the_build_and_lost_after_it_leaves_the_pack(
    site: Path, tmp_path: Path
) -> None:
    recipe, out = recipe_of(tmp_path), tmp_path / "out"
    (site / "lost").write_text("before")
    status, output = run("build", recipe, "--out", out, "--board", "stub")
    assert (status, output.splitlines()[-1]) == (1, "Error: stub: it is lost; plug it in")
    assert "validation" not in output

    (site / "lost").write_text("after")
    status, output = run("build", recipe, "--out", out, "--board", "stub")
    assert (status, output.splitlines()[-1]) == (1, "Error: stub: it is lost; plug it in")
    pack = (out / "own.reds").read_bytes()
    card = json.loads((out / "own.json").read_text())
    assert "measured" not in card["subnets"][0]
    assert card["subnets"][0]["predicted"]["uJ"] <= 400

    (site / "lost").unlink()
    status, output = run("build", recipe, "--out", out, "--board", "stub")
    assert status == 0, output
    assert "resumed from epoch 2 of 2" in output
    assert (out / "own.reds").read_bytes() == pack
    small, _ = json.loads((out / "own.json").read_text())["subnets"]
    assert small["measured"]["us"] == pytest.approx(small["macs"] / 90)
    assert f"subnet {small['label']}: us: measured" in output, "a ninth more than predicted is pointed out"
    assert not (out / "own.training").exists()


def test_package_of_the_board_that_lacks_another_is_one_line(site: Path) -> None:
    (site / "stub_of_a_board.py").write_text("import cobs_that_is_not_there\n")
    with (
        pytest.raises(BoardError, match="stub: No module named 'cobs_that_is_not_there'"),
        Target("stub").opened(),
    ):
        pass
