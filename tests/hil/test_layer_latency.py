"""Test that latencies of single layers add up to those of nets at any width."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target
from hil.cli import main
from hil.kernels.layer_latency import chains, covering, errors, measure, widths_to_measure
from hil.kernels.named_net import graph_of
from reds.errors import LatencyError
from reds.experiment.promises import predicted
from reds.fixtures import fixtures_dir
from reds.graph import Graph
from reds.graph.builder import Builder
from reds.graph.subnets import Budget
from reds.nesting.budgets import TargetProfile, limits_of
from reds.nesting.cost import width_grids
from reds.nesting.cost.latency import STEP, load, save
from reds.pack.model import Kind
from reds.zoo import by_name


@pytest.fixture(scope="module")
def nano() -> Iterator[Board]:
    with target("nano33ble").start(Entry("nano33ble", "nano33ble"), Provenance.EMULATED) as board:
        yield board


def residual() -> Graph:
    """Return a net with every kind of layer but the maximum pool, two of them beside each other."""
    net = Builder(3, 12, 12)
    x = net.conv(net.input, 24, (3, 3), (2, 2))
    y = net.conv(net.depthwise(x, (3, 3)), 16, (1, 1))
    x = net.add(net.conv(x, 16, (1, 1), relu=False), net.conv(y, 16, (3, 3)), relu=True)
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize("step", [1, 4])
def test_times_of_layers_add_up_to_those_of_whole_subnets(nano: Board, tmp_path: Path, step: int) -> None:
    graph, said = residual(), list[str]()
    grids = width_grids(graph, step, step)
    save(measure(nano, graph, grids, 4, said.append), tmp_path / "times.json")
    assert said
    off = errors(nano, graph, grids, load(tmp_path / "times.json"), 5, said.append)
    assert len(off) == 5
    assert max(map(abs, off)) < 0.01


def joined() -> Graph:
    """Return a net with a concatenation of three groups, whose pool a convolution reads."""
    net = Builder(3, 8, 8)
    x = net.conv(net.input, 16, (3, 3), (2, 2))
    x = net.concat([x, net.conv(x, 8, (1, 1)), net.conv(x, 12, (1, 1))])
    x = net.conv(net.pool(x, (2, 2)), 16, (1, 1))
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_times_of_concatenations_are_fitted_over_their_channels(nano: Board) -> None:
    graph, grids = joined(), width_grids(joined(), 4, 4)
    times = measure(nano, graph, grids, 4, print)
    (concat,) = (layer for layer in graph.layers if layer.kind is Kind.CONCAT)
    assert [list(units) for units in times.layers[concat.name].units] == [[12, 36]]
    assert max(map(abs, errors(nano, graph, grids, times, 5, print))) < 0.03


@pytest.mark.parametrize("name", ["dnn-s", "resnet8", "mobilenet-0.25"])
def test_measured_subnets_have_all_pairs_of_widths_that_a_layer_joins(name: str) -> None:
    graph = by_name(name)
    levels = [min(4, len(grid)) for grid in width_grids(graph, 4, 4)]
    choices = covering(graph, levels)
    for layer in graph.layers:
        pairs = {(row[layer.reads[0].group], row[layer.writes[0].group]) for row in choices.tolist()}
        both = 1 if layer.reads[0].group == layer.writes[0].group else levels[layer.writes[0].group]
        assert len(pairs) == levels[layer.reads[0].group] * both
    split = chains(choices)
    assert np.array_equal(np.concatenate(split), choices)
    assert all((np.diff(chain, axis=0) >= 0).all() for chain in split)


def test_measured_widths_have_each_remainder_and_both_ends() -> None:
    assert list(widths_to_measure(np.arange(4, 65, 4), 4)) == [4, 24, 44, 64]
    found = widths_to_measure(np.arange(3, 100), 8)
    assert (found[0], found[-1]) == (3, 99)
    for remainder in range(STEP):
        assert len(found[found % STEP == remainder]) == 4
    assert list(widths_to_measure(np.array([10]), 8)) == [10]


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_command_writes_a_table_of_the_emulated_board(tmp_path: Path) -> None:
    file = tmp_path / "times.json"
    run = CliRunner().invoke(
        main, ["latency", "dnn-s", "--emulate", "--points", "4", "--check", "1", "--out", str(file)]
    )
    assert run.exit_code == 0, run.output
    written, checked = run.output.strip().splitlines()
    assert written.endswith("4 layers of dnn-s on nano33ble (emulated), in us")
    assert checked.startswith("1 subnets of random widths: predicted times are off by ")
    assert load(file).layers["dense0"].us.shape == (1, 4)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_net_is_measured_at_an_input_and_with_classes_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "times.json"
    words = ["latency", "dnn-s-5x4x1", "--classes", "3", "--emulate", "--points", "2", "--out", str(file)]
    run = CliRunner().invoke(main, words)
    assert run.exit_code == 0, run.output
    first, *_, last = load(file).layers.values()
    assert list(first.units[0]) == [20]
    assert list(last.units[-1]) == [3]


def test_unknown_net_is_one_line() -> None:
    run = CliRunner().invoke(main, ["latency", "dnn-x", "--emulate"])
    assert run.exit_code == 1
    (line,) = run.output.strip().splitlines()
    assert line.startswith("Error: no net 'dnn-x'; did you mean dnn-s?")


@pytest.mark.qemu("qemu-system-aarch64")
@pytest.mark.cross("aarch64-linux-gnu-gcc")
def test_board_that_counts_only_instructions_gives_latencies_in_these(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    words = ["latency", "dnn-s-5x4x1", "--board", "pi", "--emulate", "--points", "2", "--check", "2"]
    run = CliRunner().invoke(main, [*words, "--out", str(file)])
    assert run.exit_code == 0, run.output
    written, checked = run.output.strip().splitlines()
    assert written.endswith("on pi (emulated), in instructions")
    found, graph = load(file), by_name("dnn-s-5x4x1")
    assert (found.unit, found.hz) == ("instructions", None)
    profile = TargetProfile(latency=found)
    whole = predicted(profile.costs(graph, graph.full), profile)["instructions"]
    assert 1000 < whole < graph.whole, "fewer instructions than multiply-accumulates, by vectors"
    limits = limits_of(graph, width_grids(graph, 4, 4), [Budget(latency=whole / 2)], profile)
    assert [(limit.cost.unit, limit.most) for (limit,) in limits] == [("instructions", int(whole * 500))]
    assert abs(float(checked.split()[-4])) < 10, checked


MODULES = """
from torch import nn
net = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 3))
def make():
    return net
number = 3
def failing():
    raise RuntimeError("two\\nlines")
def needing(units):
    return net
"""


@pytest.mark.parametrize("name", ["net", "make"])
def test_module_of_the_users_is_measured(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.py").write_text(MODULES)
    file, own = tmp_path / "times.json", f"{tmp_path / 'mine.py'}:{name}"
    words = ["latency", own, "--input", "20", "--board", "desktop", "--points", "2", "--out", str(file)]
    run = CliRunner().invoke(main, words)
    assert run.exit_code == 0, run.output
    first, *_, last = load(file).layers.values()
    assert (list(first.units[0]), list(last.units[-1])) == ([20], [3])


def test_net_of_a_pack_is_that_of_its_recipe() -> None:
    assert graph_of(str(fixtures_dir() / "kws-dnn-s.reds"), None, None) == by_name("dnn-s")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["mine.py:net"], "a module does not say what it reads: write --input"),
        (["mine.py:net", "--input", "1x0"], "--input is '1x0': write --input"),
        (["mine.py:net", "--input", "20", "--classes", "3"], "has its own classes: leave --classes out"),
        (["mine.py:number", "--input", "20"], "has no torch module 'number', nor a function"),
        (["other.py:net", "--input", "20"], "other.py: there is no such file"),
        (["mine.py:failing", "--input", "20"], "mine.py: failing() fails: RuntimeError: two"),
        (["mine.py:needing", "--input", "20"], "mine.py: needing() fails: TypeError"),
        (["damaged.py:net", "--input", "20"], "damaged.py does not run: SyntaxError"),
        (["mine.py", "--input", "20"], "mine.py names no module: write mine.py:NAME"),
        (["bare.reds"], "bare.reds: its card names no shipped recipe that built it; name its net, or"),
        (["damaged.reds"], "damaged.reds: not a usable pack"),
        (["dnn-s", "--input", "20"], "dnn-s has its own input: leave --input out"),
    ],
)
def test_net_that_cannot_be_named_so_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    (tmp_path / "mine.py").write_text(MODULES)
    (tmp_path / "damaged.py").write_text("def net(:\n")
    (tmp_path / "damaged.reds").write_text("damaged")
    shutil.copy(fixtures_dir() / "kws-dnn-s.reds", tmp_path / "bare.reds")
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(main, ["latency", *words, "--board", "desktop"])
    (line,) = run.output.strip().splitlines()
    assert says in line


def test_board_that_the_file_lacks_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "boards.toml").write_text('[[board]]\nname = "left"\ntarget = "nano33ble"\n')
    run = CliRunner().invoke(
        main, ["latency", "dnn-s", "--board", "lft", "--boards", str(tmp_path / "boards.toml")]
    )
    assert run.exit_code == 1
    (line,) = run.output.strip().splitlines()
    assert line.endswith("boards.toml: no board 'lft'; did you mean left? Known: left")


def test_absent_board_is_one_line() -> None:
    run = CliRunner().invoke(main, ["latency", "dnn-s"])
    assert run.exit_code == 1
    (line,) = run.output.strip().splitlines()
    assert "no Arduino Nano 33 BLE on USB; plug it in, or add --emulate" in line


@pytest.mark.parametrize(
    "text", ["", "[]", '{"board": "x"}', '{"board": "x", "layers": {"a": {"units": 1}}}']
)
def test_file_that_is_not_a_table_raises_with_its_path(tmp_path: Path, text: str) -> None:
    file = tmp_path / "times.json"
    file.write_text(text)
    with pytest.raises(LatencyError, match=r"times\.json"):
        load(file)
