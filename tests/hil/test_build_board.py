"""A build for a board: it measures what budgets need, and what it promised."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

import reds
from hil.cli import main as hil_main
from hil.kernels import build_board
from hil.kernels.predicted import net_of
from reds.cli import main
from reds.errors import BoardError, PackError, SettingsError
from reds.experiment.board import Target, profile_on
from reds.experiment.promises import costs_table, off_notes, over_notes
from reds.fixtures import fixtures_dir
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.graph.subnets import Budget
from reds.nesting.cost import width_grids
from reds.pack.inspect import table_of
from reds.pack.layouts import LAYOUTS, Layout
from reds.zoo import by_name
from tests.reds.support.tiny_recipe import tiny_recipe

QUIET = Console(quiet=True)
BUDGETS = "subnet = [{ latency = 25.0 }, { energy = 0.5, name = 'half' }, { }]\n"


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the opener as an installed package does, and keep times in a cache of this test."""
    info = tmp_path / "site" / "boards_of_tests-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: boards-of-tests\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reds.boards]\na = hil.kernels.build_board:opened\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(build_board, "times_folder", lambda: tmp_path / "times")


def recipe_of(folder: Path, device: str = "") -> Path:
    path = tiny_recipe(folder)
    head, _, tail = path.read_text().partition("subnet = ")
    path.write_text(head + BUDGETS + tail.partition("\n")[2] + device)
    return path


def build(recipe: Path, out: Path, *words: str) -> tuple[int, str]:
    run = CliRunner().invoke(main, ["build", str(recipe), "--out", str(out), *words])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    return run.exit_code, run.output


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_build_measures_what_it_needs_and_what_it_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(tmp_path, "device.energy_per_cycle = 0.156\n")
    status, output = build(recipe, tmp_path, "--board", "nano33ble", "--emulate")
    assert status == 0, output
    card = json.loads((tmp_path / "own.json").read_text())
    assert card["board"]["board"] == "nano33ble"
    assert card["board"]["provenance"] == "emulated"
    small, half, full = card["subnets"]
    assert (half["label"], full["label"]) == ("half", "100%")
    assert small["label"] == f"{100 * small['macs'] / full['macs']:.4g}%"
    for subnet in card["subnets"]:
        predicted, measured = subnet["predicted"], subnet["measured"]
        assert measured["us"] == pytest.approx(predicted["us"], rel=0.02)
        assert measured["cycles"] == pytest.approx(64 * measured["us"])
        assert (measured["arena"], measured["flash"]) == (predicted["arena"], predicted["flash"])
        assert predicted["uJ"] == pytest.approx(predicted["cycles"] * 0.156e-3, rel=0.001)
    assert small["measured"]["us"] <= 25.5
    assert small["predicted"]["us"] <= 25.0
    assert half["predicted"]["uJ"] <= 0.5

    def again(*_: Any) -> None:
        pytest.fail("the times of these layers are in the cache")

    monkeypatch.setattr(build_board, "measure", again)
    other = tmp_path / "other"
    assert build(recipe, other, "--board", "nano33ble", "--emulate", "--force")[0] == 0
    assert (other / "own.reds").read_bytes() == (tmp_path / "own.reds").read_bytes()


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_damaged_times_are_measured_again(tmp_path: Path) -> None:
    net = Builder(8)
    net.dense(net.dense(net.input, 8), 3)
    graph, grids = net.build(), width_grids(net.build(), 4, 4)
    with Target("nano33ble", True).opened() as board:
        first = board.latency(graph, grids)
        (kept,) = (tmp_path / "times").glob("*.json")
        whole = kept.read_bytes()
        for damage in (whole[: len(whole) // 2], b"", b"{}"):
            kept.write_bytes(damage)
            assert board.latency(graph, grids).layers.keys() == first.layers.keys()
            assert kept.read_bytes() == whole
        with pytest.raises(BoardError, match=r"nano33ble.*no meter.*energy_per_cycle"):
            profile_on(Target("nano33ble", True), graph, grids, [Budget(energy=9.0)], None, QUIET)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--board", "nano33bel"], "did you mean nano33ble"),
        (["--board", "nano33ble"], "no Arduino Nano 33 BLE on USB"),
        (["--board", "desktop", "--emulate"], "no emulator of desktop"),
        (["--emulate"], "[device], board: a name, for `emulate`"),
        (["--board", "nano33ble", "--boards", "none.toml"], "none.toml: cannot read the boards"),
        ([], "[device], times"),
    ],
)
def test_board_that_cannot_be_opened_is_one_line_before_any_training(
    tmp_path: Path, words: list[str], says: str
) -> None:
    recipe = recipe_of(tmp_path, "device.energy_per_cycle = 0.156\n" * bool(words))
    status, output = build(recipe, tmp_path, *words)
    assert status == 1
    error = output.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert says in error
    assert "validation" not in output
    assert not (tmp_path / "own.training").exists()


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_compress_measures_on_a_board(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 6)).astype(np.float32), np.arange(80) % 4
    data = reds.Dataset.split(x, y)
    result = reds.compress(
        "dnn-s-1x1x6", data, budgets=[reds.Budget(latency=25.0), 1.0], epochs=1, full_epochs=1,
        board="nano33ble", emulate=True,
    )  # fmt: skip
    assert result.measured is not None
    for subnet, measured in zip(result.subnets, result.measured.subnets, strict=True):
        assert measured["us"] == pytest.approx(subnet.predicted["us"], rel=0.02)
        assert measured["flash"] == subnet.predicted["flash"]
    with pytest.raises(SettingsError, match=r"profile.*board"):
        reds.compress("dnn-s-1x1x6", data, budgets=[1.0], board="nano33ble", profile=reds.TargetProfile())
    with pytest.raises(SettingsError, match=r"^board: a name"):
        reds.compress("dnn-s-1x1x6", data, budgets=[1.0], emulate=True)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_shipped_pack_costs_what_is_predicted() -> None:
    run = CliRunner().invoke(hil_main, ["predict", str(fixtures_dir() / "kws-dnn-s.reds"), "--emulate"])
    assert run.exit_code == 0, run.output
    lines = [line for line in run.output.splitlines() if "%" in line and "│" in line]
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    subnets = ("25%", "50%", "75%", "100%")
    assert [tuple(row[:2]) for row in rows] == [*product(subnets, ("us", "cycles", "arena", "flash"))]
    for _, cost, before, after, off in rows:
        assert abs(float(off.rstrip(" %"))) < (1.0 if cost in ("us", "cycles") else 0.01)
        assert cost in ("us", "cycles") or before == after


def test_table_of_costs_fits_a_terminal_and_has_a_row_for_each_cost() -> None:
    before = [{"us": 123456.78, "uJ": 12345.678, "flash": 1234567}] * 2
    after = [{"us": 123456.78, "cycles": 123456789, "flash": 1234567}] * 2
    heads, rows = costs_table(["9.883%", "100%"], before, after)
    assert rows[:4] == [
        ["9.883%", "us", "123,456.8", "123,456.8", "+0.00 %"],
        ["9.883%", "cycles", "", "123,456,789", ""],
        ["9.883%", "uJ", "12,345.678", "", ""],
        ["9.883%", "flash", "1,234,567", "1,234,567", "+0.00 %"],
    ]
    console = Console(width=80, file=StringIO(), color_system=None)
    console.print(table_of(heads, rows))
    assert len(console.file.getvalue().splitlines()) == len(rows) + 4, "no cell is folded"
    assert costs_table(["a"], before[:1], [])[1][0] == ["a", "us", "123,456.8"]


def test_board_without_a_meter_is_named_before_its_layers_are_timed() -> None:
    net = Builder(8)
    net.dense(net.dense(net.input, 8), 3)
    graph, asked = net.build(), []

    class Meterless:
        def layout(self, _: Graph) -> Layout:
            return LAYOUTS[0]

        def latency(self, *_: object) -> None:
            asked.append("latency")

        def energy_per_cycle(self, _: Graph) -> float:
            raise BoardError("a: it has no meter; state `energy_per_cycle`")

    @contextmanager
    def opened() -> Iterator[Meterless]:
        yield Meterless()

    target = SimpleNamespace(opened=opened)
    with pytest.raises(BoardError, match="no meter"):
        profile_on(target, graph, width_grids(graph, 4, 4), [Budget(energy=9.0)], None, QUIET)  # type: ignore[arg-type]
    assert asked == []


def test_costs_that_are_off_or_over_their_budgets_are_named() -> None:
    before = [{"us": 100.0, "arena": 500.0}, {"us": 200.0, "arena": 600.0}]
    after = [{"us": 102.1, "arena": 500.0}, {"us": 197.0, "arena": 601.0}]
    (off,) = off_notes(["a", "b"], before, after)
    assert off.startswith("subnet a: us: measured 102.1, predicted 100.0")
    over = [*over_notes(["a", "b"], [Budget(latency=102.0), Budget(latency=197.0, arena=600)], after)]
    assert [note.partition(": measured")[0] for note in over] == ["subnet a: us", "subnet b: arena"]
    assert [*off_notes(["a", "b"], before, [])] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"recipe": None}, "give --recipe"),
        ({"subnets": []}, "did not build it"),
        ({"classes": ["a", "b"]}, "did not build"),
    ],
)
def test_pack_whose_card_does_not_say_what_it_was_built_of_is_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    pack = tmp_path / "kws-dnn-s.reds"
    shutil.copy(fixtures_dir() / pack.name, pack)
    card = json.loads((fixtures_dir() / "kws-dnn-s.json").read_text())
    pack.with_suffix(".json").write_text(json.dumps({**card, **change}))
    with pytest.raises(PackError, match=says):
        net_of(pack, None)


def test_costs_that_no_board_measured_are_printed_as_predicted() -> None:
    before = [{"us": 10.0, "arena": 48.0}, {"arena": 64.0}]
    assert costs_table(["a", "b"], before, []) == (
        "subnet cost predicted", [["a", "us", "10.0"], ["a", "arena", "48"], ["b", "arena", "64"]]
    )  # fmt: skip
    assert costs_table(["a"], before[:1], [{"us": 10.1}])[1] == [
        ["a", "us", "10.0", "10.1", "+1.00 %"], ["a", "arena", "48", "", ""]
    ]  # fmt: skip


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_blocks_and_units_of_a_wider_net_are_selected_by_the_times_of_a_board(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = rng.normal(0, 1, (60, 4, 4, 2)).astype(np.float32) + y[:, None, None, None]
    np.savez(tmp_path / "own.npz", train_x=x, train_y=y, test_x=x, test_y=y)
    recipe = tmp_path / "deep.toml"
    recipe.write_text(
        'net = { name = "resnet8-4x4x2", widen = 1.25 }\ndata.set = "own.npz"\n'
        "selection = { depth = true, step = 16, least = 16 }\nfull = { epochs = 1 }\njoint = { epochs = 1 }\n"
        "subnet = [{ latency = 6500.0 }, { }]\n"
    )
    status, output = build(recipe, tmp_path, "--board", "nano33ble", "--emulate")
    assert status == 0, output
    card = json.loads((tmp_path / "deep.json").read_text())
    small, full = card["subnets"]
    assert small["widths"][2] == 0
    assert full["macs"] <= by_name("resnet8-4x4x2", 3).whole
    for subnet in (small, full):
        assert subnet["measured"]["us"] == pytest.approx(subnet["predicted"]["us"], rel=0.02)
        assert subnet["measured"]["arena"] == subnet["predicted"]["arena"]
    assert net_of(tmp_path / "deep.reds", recipe).widths == (tuple(small["widths"]), tuple(full["widths"]))
