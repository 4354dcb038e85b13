"""Test the kernel bench: exact counts that may not grow, tables, and the order of weights."""

import io
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from hil.cli import main
from hil.cli.tables import publish
from hil.errors import PackRefused, ResultsError
from hil.kernels import baseline, desktop, report
from hil.kernels.baseline import Baseline, Count
from hil.kernels.cases import NETS, Net, graph_of, widths_of
from hil.kernels.nano import LayerCount, NetCounts
from hil.kernels.tables import Table, plain
from hil.kernels.torch_eager import eager
from hil.kernels.weight_order import lines, marked
from reds.pack.layouts import CANONICAL, LAYOUTS, preferring
from reds.zoo import by_name
from reds.zoo.random_weights import uniform_widths, with_random_weights
from tests.hil.support.raising import raises
from tests.support.nets import Kind, Maker, dense_model
from tests.targets.support.x86 import needs

FEW = {"net 25%": Count(100, 150, 20), "net 100%": Count(400, 600, 80)}


def test_count_that_grew_by_one_is_reported() -> None:
    assert baseline.worse(FEW, FEW) == []
    grown = {**FEW, "net 25%": Count(101, 149, 20)}
    assert baseline.worse(grown, FEW) == ["net 25%: 101 instructions, 100 in the baseline (+1)"]
    assert baseline.better(grown, FEW) == 1
    assert baseline.worse({"net 25%": Count(100, 150, 21)}, FEW) == [
        "net 25%: 21 flash words, 20 in the baseline (+1)"
    ]
    assert baseline.better({"net 25%": Count(100, 150, 19)}, FEW) == 1
    assert baseline.worse({"other": Count(1, 1, 1)}, FEW) == ["other: not in the baseline"]


def test_count_of_the_baseline_that_was_not_taken_is_reported() -> None:
    than = dict.fromkeys(["net 25%", "other 25%", "layer dense"], Count(1, 1, 1))
    assert baseline.missing(than, than, []) == []
    assert baseline.missing({}, than, ["net"]) == ["net 25%: in the baseline, but not counted"]
    assert len(baseline.missing({}, than, [])) == 3


def test_bench_of_nets_that_do_not_fit_the_board_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(board: object, name: str, say: object) -> None:
        raise PackRefused(f"{name} does not fit")

    board = nullcontext((None, print))
    monkeypatch.setattr("hil.cli.status.board_and_status", lambda *of: board)
    monkeypatch.setattr("hil.kernels.nano.measure_net", refuse)
    monkeypatch.setattr(baseline, "compiler", lambda: "other")
    run = CliRunner().invoke(main, ["kernels", "nano", "--net", "dnn-s"])
    assert run.exit_code == 1, run.output
    assert "dnn-s does not fit" in run.stderr


def test_loading_a_saved_baseline_returns_it(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    baseline.save(file, Baseline("12.2.1", FEW))
    assert baseline.load(file) == Baseline("12.2.1", FEW)
    file.write_text("{}")
    with raises(ResultsError):
        baseline.load(file)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_committed_counts_hold_and_smaller_ones_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = baseline.load(baseline.path())
    file = tmp_path / "counts.json"
    monkeypatch.setattr(baseline, "path", lambda: file)
    baseline.save(file, Baseline(baseline.compiler(), committed.counts))
    written = tmp_path / "tables.json"
    run = CliRunner().invoke(main, ["kernels", "nano", "--net", "dnn-s", "--update", "--json", str(written)])
    assert run.exit_code == 0, run.output
    updated = baseline.load(file)
    assert updated.counts.keys() == committed.counts.keys()
    if committed.compiler == updated.compiler:
        assert baseline.worse(updated.counts, committed.counts) == []
    (net, flash, best, switch, size) = json.loads(written.read_text())
    counted = updated.counts["dnn-s 25%"]
    assert (net["rows"][0]["instructions"], net["rows"][0]["cycles"]) == (
        counted.instructions,
        counted.cycles,
    )
    assert flash["rows"][0]["flash words"] == counted.flash_words
    assert flash["rows"][0]["with wait states"] == counted.with_waits > counted.cycles
    assert best["rows"] == [], "no engine of MLPerf Tiny runs this net"
    assert switch["rows"][0]["cycles"] <= 64
    assert size["rows"][0]["pack"] < size["rows"][0]["a pack each"]
    less = {**updated.counts, "dnn-s 25%": replace(counted, instructions=counted.instructions - 1)}
    baseline.save(file, Baseline(updated.compiler, less))
    run = CliRunner().invoke(main, ["kernels", "nano", "--net", "dnn-s"])
    assert run.exit_code == 1
    assert f"dnn-s 25%: {counted.instructions:,} instructions, " in run.output
    assert run.output.strip().endswith("(+1)")
    baseline.save(file, Baseline("other", less))
    run = CliRunner().invoke(main, ["kernels", "nano", "--net", "dnn-s"])
    assert run.exit_code == 0
    assert "not compared: the baseline was built by arm-none-eabi-gcc other" in run.output


def net_counts(
    cost: Count, alone: Count = FEW["net 100%"], switch: int = 21, first: float = 1.0
) -> NetCounts:
    """Return counts of DNN S with one subnet."""
    graph = by_name("dnn-s")
    model = with_random_weights("dnn-s", graph, {"100%": graph.full})
    return NetCounts(model, preferring(model, LAYOUTS[4]), (cost,), (alone,), Count(15, switch, 2), first, "")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (net_counts(Count(409, 600, 80)), "dnn-s 100%: 1.022 x the cost of it alone, 1.02 allowed"),
        (net_counts(FEW["net 100%"], switch=65), "dnn-s: a switch takes 65 cycles, 64 allowed"),
        (net_counts(FEW["net 100%"], first=1.03), "dnn-s: 1.030 x a steady inference after a switch"),
        (
            net_counts(Count(80_001, 1, 1), Count(80_001, 1, 1)),
            "dnn-s 100%: 80,001 instructions, 80,000 allowed",
        ),
        (
            net_counts(Count(1, 112_001, 1), Count(1, 112_001, 1)),
            "dnn-s 100%: 112,001 cycles, 112,000 allowed",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_exceeded_limit_is_reported(found: NetCounts, text: str) -> None:
    (said,) = report.over_limits([found])
    assert said.startswith(text)


def test_smaller_subnet_that_is_no_cheaper_is_reported() -> None:
    model = with_random_weights("dnn-s", by_name("dnn-s"))
    costs = tuple(Count(400, cycles, 80) for cycles in (300, 500, 500, 700))
    net = NetCounts(model, preferring(model, CANONICAL), costs, costs, Count(15, 21, 2), 1.0, "")
    (said,) = (text for text in report.over_limits([net]) if "fewer" in text)
    assert said == "dnn-s 50%: 500 cycles, dnn-s 75% 500: a smaller subnet must take fewer"


def test_layer_that_costs_too_much_for_its_work_is_reported() -> None:
    layers = {
        "mixes": LayerCount(100, 10, Count(600, 900, 10)),
        "moves": LayerCount(0, 10, Count(120, 900, 10)),
    }
    assert list(report.layers_over_limits(layers)) == []
    dear = {name: replace(layer, count=Count(1000, 1, 1)) for name, layer in layers.items()}
    assert list(report.layers_over_limits(dear)) == [
        "mixes: 10.00 instructions for each MAC, 6 allowed",
        "moves: 100.00 instructions for each output, 12 allowed",
    ]


def test_best_engine_is_compared_with_and_without_wait_states() -> None:
    graph = by_name("autoencoder")
    model = with_random_weights("autoencoder", graph, {"100%": graph.full})
    cost = Count(300_000, 243_000, 121_500)
    net = NetCounts(model, preferring(model, LAYOUTS[4]), (cost,), (cost,), cost, 1.0, "")
    ((_, _, _, cycles, ratio, waiting, with_waits),) = report.best_table([net]).rows
    assert (cycles, ratio) == (243_000, 0.5)
    assert (waiting, with_waits) == (cost.with_waits, 1.0)


def test_odd_widths_are_odd_and_nested() -> None:
    for name in ("odd-widths", "ds-cnn-s-odd"):
        graph = graph_of(name)
        widths = widths_of(name, graph)
        assert widths
        *cut, full = widths.values()
        assert full == graph.full
        chosen = [[n for n, group in zip(each, graph.groups, strict=True) if group.cut] for each in cut]
        assert all(n % 2 for each in chosen for n in each)
        assert chosen == sorted(chosen)


def test_counts_at_their_limits_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    at_limits = net_counts(Count(408, 612, 81), switch=64, first=1.02)
    assert list(report.over_limits([at_limits])) == []
    monkeypatch.setattr(report, "EVERY", {"dnn-s": Net(more_flash=-1)})
    (said,) = report.over_limits([at_limits])
    assert said == "dnn-s: all subnets take 0.0 % more flash than the largest, -1 allowed"


def without_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the other runtimes from the bench of the desktop, and measure one round."""

    def missing(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'them'")

    monkeypatch.setattr("hil.kernels.peers.litert", missing)
    monkeypatch.setattr("hil.kernels.peers.eager", missing)
    monkeypatch.setattr(desktop, "ROUNDS", 1)


def test_desktop_bench_without_avx512_leaves_torch_out(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("reds_x86_avx2")
    without_peers(monkeypatch)
    run = CliRunner().invoke(main, ["kernels", "desktop", "--net", "dnn-s", "--cpu", "avx2"])
    assert run.exit_code == 0, run.output
    assert "Ours and LiteRT without AVX-512 and AVX-VNNI." in " ".join(run.output.split())
    assert "torch" not in run.output


def test_desktop_bench_without_peers_names_the_extras_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without_peers(monkeypatch)
    run = CliRunner().invoke(main, ["kernels", "desktop", "--net", "dnn-s"])
    assert run.exit_code == 0, run.output
    said = " ".join(run.output.split())
    assert "pip install 'reds-hil[tflite]'" in said
    assert "pip install 'reds-hil[train]'" in said
    assert "dnn-s 25%" in run.output


def test_every_timer_gets_a_turn_in_every_round() -> None:
    turns: list[str] = []

    def timer(name: str) -> desktop.Timer:
        def run(n: int) -> list[float]:
            turns.append(name)
            return [1e9] + [float(len(turns))] * (n - 1)

        return run

    medians = desktop.in_turns({"a": timer("a"), "b": timer("b")})
    assert turns == ["a", "b"] * desktop.ROUNDS
    assert medians == {"a": desktop.ROUNDS, "b": desktop.ROUNDS + 1}, "the first of a turn does not count"


@pytest.mark.parametrize("name", NETS)
def test_torch_peer_runs_every_net_at_every_width(name: str) -> None:
    graph, peer = by_name(name), eager()
    for widths in uniform_widths(graph).values():
        assert len(peer.timer(graph, widths)(2)) == 2


def test_litert_peer_runs_every_kind_of_layer() -> None:
    pytest.importorskip("tensorflow")
    pytest.importorskip("ai_edge_litert")
    from hil.kernels.litert import litert

    with litert() as peer:
        assert peer.load is not None
        for name in ("ds-cnn-s", "resnet8"):
            graph = by_name(name)
            widths = uniform_widths(graph)["25%"]
            assert min(peer.timer(graph, widths)(3)) > 0
            assert peer.load(graph, widths) > 0


def test_lines_of_a_dense_layer() -> None:
    """A line of 16 bytes holds half a row of 32 x 32 weights."""
    layer = dense_model([32, 32], [[32]]).layers[0]
    half = np.arange(16), np.arange(16)
    assert marked(layer, half).sum() == 256
    assert lines(CANONICAL, layer, half, 16) == 16
    assert lines(CANONICAL, layer, half, 64) == 8, "two rows a line"
    assert lines(LAYOUTS[4], layer, half, 16) == 16
    scattered = np.arange(0, 32, 2), np.arange(0, 32, 2)
    assert lines(CANONICAL, layer, scattered, 16) == 32
    assert lines(LAYOUTS[4], layer, scattered, 16) == 64, "every word of every group"


def test_lines_of_a_convolution_are_those_of_its_taps() -> None:
    maker = Maker(4, 4, 16)
    maker.add(Kind.CONV, 8, (3, 3))
    layer = maker.layers[0]
    assert lines(CANONICAL, layer, (np.arange(16), np.arange(4)), 16) == 4 * 9
    assert marked(layer, (np.arange(4), np.arange(2))).sum() == 2 * 9 * 4


def test_table_shows_the_same_values_in_every_format() -> None:
    table = Table("Title", ("net", "n", "x"), (("a", 12345, 1.005), ("b", 1, None)), ("A note.",))
    rows = "| net | n | x |\n| --- | ---: | ---: |\n| a | 12,345 | 1.00 |\n| b | 1 |  |"
    assert table.markdown() == f"### Title\n\n{rows}\n\nA note.\n"
    assert plain([table])[0]["rows"] == [
        {"net": "a", "n": 12345, "x": 1.005},
        {"net": "b", "n": 1, "x": None},
    ]


def test_tables_are_whole_where_the_output_is_no_terminal_or_narrow(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = Table("Counts", tuple(f"column {i}" for i in range(12)), (tuple(range(10**9, 10**9 + 12)),))
    publish([table], None, None)
    shown = capsys.readouterr().out
    assert all(f"{value:,}" in shown for value in range(10**9, 10**9 + 12))
    narrow = io.StringIO()
    Console(file=narrow, width=40).print(table.rich())
    assert "…" not in narrow.getvalue()
