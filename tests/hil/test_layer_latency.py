"""Test that latencies of single layers add up to those of nets at any width."""

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
from hil.kernels.layer_latency import measure, time
from reds.errors import LatencyError
from reds.graph import Graph, Widths
from reds.graph.builder import Builder
from reds.nesting.cost.latency import latency_cost, load, save


@pytest.fixture(scope="module")
def nano() -> Iterator[Board]:
    with target("nano33ble").start(Entry("nano33ble", "nano33ble"), Provenance.EMULATED) as board:
        yield board


def residual() -> Graph:
    """Return a net with every kind of layer but the maximum pool."""
    net = Builder(3, 12, 12)
    x = net.conv(net.input, 24, (3, 3), (2, 2))
    y = net.conv(net.depthwise(x, (3, 3)), 24, (1, 1), relu=False)
    x = net.add(x, y, relu=True)
    net.dense(net.flatten(net.pool(x)), 10, relu=False, norm=False)
    return net.build()


def added(board: Board, graph: Graph, widths: Widths, table: Path) -> float:
    """Return the microseconds of a subnet by the table in a file."""
    grids = [np.array([n]) for n in widths]
    return latency_cost(graph, grids, load(table)).evaluate((0,) * len(grids)) / 1000


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_latencies_of_layers_add_up_to_those_of_unmeasured_nets(nano: Board, tmp_path: Path) -> None:
    graph, said = residual(), list[str]()
    save(measure(nano, graph, 5, said.append), tmp_path / "times.json")
    assert len(said) == 7 * 5, "each layer at five widths of its one group"
    for units in (8, 16, 20, 24):
        widths = tuple(units if group.cut else group.units for group in graph.groups)
        whole = time(nano, graph.resized(widths))
        assert added(nano, graph, widths, tmp_path / "times.json") == pytest.approx(whole, rel=0.02)
    for units in (9, 14, 19):  # a step that is not full takes what a full one does, or up to a tenth more
        widths = tuple(units if group.cut else group.units for group in graph.groups)
        whole = time(nano, graph.resized(widths))
        assert added(nano, graph, widths, tmp_path / "times.json") == pytest.approx(whole, rel=0.1)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_command_writes_a_table_of_the_emulated_board(tmp_path: Path) -> None:
    file = tmp_path / "times.json"
    run = CliRunner().invoke(main, ["latency", "dnn-s", "--emulate", "--points", "2", "--out", str(file)])
    assert run.exit_code == 0, run.output
    assert run.output.strip().endswith("4 layers of dnn-s on nano33ble (emulated)")
    assert load(file).layers["dense0"].us.shape == (1, 2)


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
def test_board_without_a_clock_is_one_line() -> None:
    run = CliRunner().invoke(main, ["latency", "dnn-s", "--board", "pi", "--emulate"])
    assert run.exit_code == 1
    (line,) = run.output.strip().splitlines()
    assert line == "Error: pi: it counts instructions, not time; measure on another board"


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
