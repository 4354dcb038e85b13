"""`hil results`: runs are listed, shown, compared, exported, imported and pruned."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.cli import main
from hil.errors import ComparisonError
from hil.results.comment import render
from hil.results.difference import Kept, changes
from hil.results.file import read_run
from hil.results.limit import Limit
from hil.results.run import BoardIdentity
from hil.results.store import open_store
from tests.hil.support.raising import raises
from tests.hil.support.runs import DESK, NANO, SHAPE, figure, keep, outcome, run_at

Hil = Callable[..., Result]
HOST_NANO = replace(NANO, provenance="hardware", serial="S1", emulator="")


@pytest.fixture
def hil(tmp_path: Path) -> Hil:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["results", f"--store={tmp_path / 'a.sqlite'}", *arguments])

    return run


@pytest.fixture
def kept(tmp_path: Path) -> list[str]:
    """Three runs: two on the emulated Nano, one failed on the desktop."""
    with open_store(str(tmp_path / "a.sqlite")) as store:
        first = keep(store, run_at(100), value=8.0)
        writer = store.begin(run_at(200))
        figures = [
            figure(NANO, "25%", 9.0, low=8.5, high=9.5),
            figure(NANO, "25%", 0.75, metric="accuracy", unit="fraction", samples=(1.0, 0.5)),
            figure(NANO, "25%", 3.0, metric="switch"),
            figure(NANO, "all", 1.0, metric="infrastructure_errors", unit="count"),
        ]
        writer.test_ended(outcome(NANO, "test_a"), NANO, figures)
        writer.end("passed")
        last = keep(store, run_at(300), "failed", DESK, ended="failed")
        return [first.id, writer.run.id, last.id]


def lines(done: Result) -> list[list[str]]:
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    return [line.split() for line in done.stdout.splitlines()]


def test_runs_are_listed_in_lines_that_fit_a_hundred_columns(hil: Hil, kept: list[str]) -> None:
    listed = lines(hil("list"))
    assert listed[1:] == [
        [kept[2], "failed", "net", "desk", "hardware", "1", "1"],
        [kept[1], "passed", "net", "left", "emulated", "1", "0"],
        [kept[0], "passed", "net", "left", "emulated", "1", "0"],
    ]
    assert [line[0] for line in lines(hil("list", "--limit=1", "--provenance=emulated"))[1:]] == [kept[1]]
    none = hil("list", "--board=nowhere")
    assert (none.exit_code, none.stdout) == (0, "")


def test_long_names_are_folded_and_not_cut(hil: Hil, tmp_path: Path) -> None:
    board = replace(NANO, board="b" * 60)
    with open_store(str(tmp_path / "a.sqlite")) as store:
        keep(store, run_at(1), board=board)
    assert (
        sum(word.count("b") for line in lines(hil("list"))[1:] for word in line if set(word) == {"b"}) == 60
    )


def test_a_run_is_shown_with_its_boards_figures_and_failures(hil: Hil, kept: list[str]) -> None:
    done = hil("show", "last")
    assert f"run: {kept[2]}" in done.stdout
    assert "board desk: desktop, hardware, host, agent ef01" in done.stdout
    assert "FAILED: test_a: it took 9 us" in done.stdout
    assert "desk (desktop), hardware: 1 FAILED" in done.stdout
    assert "QEMU emulator version 7.2.22" in hil("show", kept[0]).stdout


def test_limits_that_a_run_was_held_to_are_shown_with_the_verdict(hil: Hil, tmp_path: Path) -> None:
    limit = Limit("nano33ble", "left", "emulated", "25%", "latency", "us", 8.0, least=False, kept=False)
    with open_store(str(tmp_path / "a.sqlite")) as store:
        measured = [figure(NANO, "25%", 8.5)]
        store.begin(run_at(0)).test_ended(outcome(NANO, "test_a", "failed"), NANO, measured, [limit])
    assert "<= 8 FAILED" in hil("show").stdout
    hil("export", "--format=jsonl", f"--out={tmp_path / 'a.jsonl'}")
    header, _ = read_run(tmp_path / "a.jsonl")
    assert header
    assert header.limits == (limit,)


def test_a_figure_that_was_taken_again_counts_once(hil: Hil, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "a.sqlite")) as store:
        writer = store.begin(run_at(0))
        for value in (30.0, 3.0):
            twice = figure(NANO, "100%->25%", value, metric="switch"), figure(NANO, "25%", value)
            writer.test_ended(outcome(NANO, "test_a"), NANO, twice)
        run = keep(store, run_at(1), value=2.0)
        past = store.history(NANO, SHAPE, "25%", "latency", "us", limit=2)
        assert [(one.run.id, one.measurement.value) for one in past] == [(run.id, 2.0), (writer.run.id, 3.0)]
    (row,) = (line for line in lines(hil("show", "last~1")) if line[:1] == ["25%"])
    assert row == ["25%", "3.00", "3.00"]
    told = json.loads(hil("export", "last~1", "--format=github-action-benchmark").stdout)
    assert [entry["value"] for entry in told] == [3.0, 3.0]
    rows = csv.DictReader(io.StringIO(hil("export", "last~1").stdout))
    assert [row["value"] for row in rows] == ["3.0", "3.0"]
    shown = lines(hil("diff", "last~1", "last"))
    assert ["left", "emulated", "25%", "latency", "us", "3", "2", "-33.33%", "better"] in shown


def test_two_runs_are_compared_figure_by_figure(hil: Hil, kept: list[str]) -> None:
    shown = lines(hil("diff", "last~2", "last~1"))
    assert ["left", "emulated", "25%", "latency", "us", "8", "9", "+12.50%", "worse"] in shown
    assert ["left", "emulated", "25%", "accuracy", "fraction", "-", "75.00%"] in shown
    assert not any("infrastructure_errors" in line for line in shown)
    assert "equal figures" not in hil("diff", kept[0], kept[1]).stdout
    assert "equal figures: 1;" in hil("diff", kept[0], kept[0]).stdout


def test_two_runs_are_compared_in_a_comment_with_what_is_worse_first(hil: Hil, kept: list[str]) -> None:
    done = hil("diff", kept[0], kept[1], "--markdown")
    assert done.exit_code == 0, done.output
    said = done.stdout.splitlines()
    assert said[0] == "### Bench: 1 worse, 2 other, 0 equal"
    day = "2023-11-14 22:15 UTC, no commit, on h"
    assert said[2] == f"- Baseline: run `{kept[0]}`, {day}"
    assert said[3].startswith(f"- This run: run `{kept[1]}`, 2023-11-14 22:16 UTC")
    worse = said.index("**Worse**")
    assert said[worse + 4] == "| left emulated | 25% | latency | us | 8 | 9 | +12.50% |"
    assert worse < said.index("<details><summary>Other: 2</summary>")
    assert hil("diff", kept[0], kept[0], "--markdown").stdout.startswith("### Bench: 1 equal\n")


def test_text_of_others_is_no_markup_in_a_comment() -> None:
    board = replace(NANO, board="<b>|`x")
    made = run_at(0, host="<h>", commit="c" * 40, dirty=True)
    runs = [Kept("a`b", [board], [figure(board, "25%", value)], made) for value in (1.0, 2.0)]
    text = render(*runs, *changes(*runs))
    assert "&lt;b&gt;\\|\\`x emulated" in text
    assert f"- Baseline: run `{made.id}` of ``a`b``" in text
    assert f"commit `{'c' * 12}` with changes, on &lt;h&gt;" in text
    text = render(*(replace(run, run=replace(made, host="", commit="")) for run in runs), [], [])
    assert "UTC, no commit\n" in text
    text = render(*(replace(run, run=None) for run in runs), [], [])
    assert "- Baseline: ``a`b``, of which nothing else is known" in text


def test_a_comment_lists_no_more_than_github_takes() -> None:
    runs = [Kept("r", [NANO], [figure(NANO, f"{i}%", value) for i in range(3000)]) for value in (1.0, 2.0)]
    text = render(*runs, *changes(*runs))
    assert "and 2960 more" in text
    assert len(text) < 65_536


def test_files_of_results_are_compared_as_runs_are(hil: Hil, kept: list[str], tmp_path: Path) -> None:
    for name, run in (("a", kept[0]), ("b", kept[1])):
        hil("export", run, "--format=jsonl", f"--out={tmp_path / name}.jsonl")
    (tmp_path / "old.jsonl").write_text((tmp_path / "a.jsonl").read_text().partition("\n")[2])
    for before in ("a", "old"):
        shown = lines(hil("diff", str(tmp_path / f"{before}.jsonl"), str(tmp_path / "b.jsonl")))
        assert ["left", "emulated", "25%", "latency", "us", "8", "9", "+12.50%", "worse"] in shown
    gone = hil("diff", str(tmp_path / "gone.jsonl"), "last")
    assert gone.exit_code
    assert "gone.jsonl: there is no such file" in gone.stderr


@pytest.mark.parametrize(
    ("before", "after"), [(NANO, DESK), (NANO, HOST_NANO), (HOST_NANO, NANO), (NANO, None), (None, DESK)]
)
def test_runs_on_unlike_boards_are_not_compared(
    before: BoardIdentity | None, after: BoardIdentity | None
) -> None:
    one, other = (
        Kept(name, [board] if board else [], [figure(board, "25%", 1.0)] if board else [])
        for name, board in (("a", before), ("b", after))
    )
    with raises(ComparisonError):
        changes(one, other)


def test_the_same_device_under_another_name_is_compared_first() -> None:
    renamed, stranger = replace(DESK, board="new name"), replace(DESK, serial="another")
    before = Kept("a", [DESK], [figure(DESK, "25%", 2.0)])
    after = Kept("b", [stranger, renamed], [figure(stranger, "25%", 7.0), figure(renamed, "25%", 1.0)])
    ((change,), notes) = changes(before, after)
    assert change.after
    assert (change.after.value, change.relative, change.judged, notes) == (1.0, -0.5, "better", [])


def test_figures_of_two_packs_on_one_board_are_compared_pack_by_pack() -> None:
    runs = []
    for value in (2.0, 3.0):
        measured = [replace(figure(DESK, "25%", v), pack=pack) for pack, v in (("a", value), ("b", 5.0))]
        runs.append(Kept("r", [DESK], measured))
    found, _ = changes(*runs)
    assert [(each.subnet, each.values) for each in found] == [("a 25%", (2.0, 3.0)), ("b 25%", (5.0, 5.0))]


def test_another_device_another_agent_and_another_pack_are_noted() -> None:
    other = replace(DESK, serial="another", build="0000")
    after = Kept("b", [other], [figure(other, "25%", 2.0, pack_shape="f" * 16)])
    _, notes = changes(Kept("a", [DESK], [figure(DESK, "25%", 2.0)]), after)
    assert len(notes) == 3


def test_other_files_for_tflite_which_have_no_shape_are_noted() -> None:
    first, same, other = (
        Kept("r", [DESK], [replace(figure(DESK, "whole", value, pack_shape=""), pack=pack)])
        for value, pack in ((1.0, "a"), (2.0, "a"), (3.0, "b"))
    )
    assert changes(first, same)[1] == []
    assert changes(first, other)[1] == ["the packs have different networks or subnets"]


@pytest.mark.parametrize(
    ("metric", "values", "judged"),
    [
        ("accuracy", (0.5, 0.6), "better"),
        ("accuracy", (0.6, 0.5), "worse"),
        ("latency", (0.6, 0.5), "better"),
        ("latency", (0.0, 0.5), "worse"),
        ("latency", (0.5, 0.5), ""),
        ("macs", (1.0, 2.0), ""),
    ],
)
def test_more_accuracy_is_better_and_less_of_all_else(
    metric: str, values: tuple[float, float], judged: str
) -> None:
    kept = [Kept("a", [DESK], [figure(DESK, "25%", value, metric=metric, samples=())]) for value in values]
    ((change,), _) = changes(*kept)
    assert change.judged == judged


def test_figures_are_exported_for_other_programs(hil: Hil, kept: list[str], tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(hil("export", "last~1").stdout)))
    assert (rows[0]["p95"], rows[0]["p99"]) == ("10.0", "10.0")
    assert {row["p95"] for row in rows if row["unit"] == "fraction"} == {""}
    assert [(row["run"], row["metric"], float(row["value"]), row["samples"]) for row in rows[:2]] == [
        (kept[1], "latency", 9.0, "2"),
        (kept[1], "accuracy", 0.75, "2"),
    ]
    name = "net 25% on left (emulated)"
    assert json.loads(hil("export", "last~1", "--format=bencher").stdout) == {
        name: {
            "latency": {"value": 9000.0, "lower_value": 8500.0, "upper_value": 9500.0},
            "accuracy": {"value": 0.75},
            "switch-us": {"value": 3.0},
        }
    }
    entries = json.loads(hil("export", "last~1", "--format=github-action-benchmark").stdout)
    assert [(each["name"], each["unit"], each["value"]) for each in entries] == [
        (f"{name} latency", "us", 9.0),
        (f"{name} wrong answers", "fraction", 0.25),
        (f"{name} switch", "us", 3.0),
    ]
    assert entries[0]["range"] == "± 0.5"
    assert hil("export", kept[1], "--format=jsonl", f"--out={tmp_path / 'out.jsonl'}").exit_code == 0
    header, measured = read_run(tmp_path / "out.jsonl")
    assert header
    assert (header.run.id, header.boards, len(measured)) == (kept[1], (NANO,), 4)


def test_cells_of_a_table_are_no_formulas(hil: Hil, tmp_path: Path) -> None:
    board = replace(NANO, board="=cmd()")
    with open_store(str(tmp_path / "a.sqlite")) as store:
        keep(store, run_at(1), board=board)
    assert "'=cmd()" in hil("export").stdout


def test_exported_runs_are_imported_after_they_were_pruned(hil: Hil, kept: list[str], tmp_path: Path) -> None:
    hil("export", kept[0], "--format=jsonl", f"--out={tmp_path / 'out.jsonl'}")
    assert hil("prune", "--keep=3").stdout == "removed 0 runs\n"
    assert hil("prune", "--keep=1", "--days=100000").stdout == "removed 0 runs\n"
    assert hil("prune", "--keep=1", "--days=1").stdout == "removed 2 runs\n"
    assert hil("import", str(tmp_path / "out.jsonl")).exit_code == 0
    assert [line[0] for line in lines(hil("list"))[1:]] == [kept[2], kept[0]]
    again = hil("import", str(tmp_path / "out.jsonl"))
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)


def test_a_file_that_is_not_there_is_not_imported(hil: Hil, tmp_path: Path) -> None:
    gone = hil("import", str(tmp_path / "gone.jsonl"))
    assert gone.exit_code == 1
    assert "gone.jsonl: there is no such file" in gone.stderr


def test_no_store_has_no_runs() -> None:
    done = CliRunner().invoke(main, ["results", "--store=none", "list"])
    assert done.exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["results", "list"],
        ["results", "show"],
        ["results", "diff"],
        ["results", "export"],
        ["results", "prune", "--keep=1"],
        ["baseline", "show"],
        ["baseline", "accept"],
        ["report", "--out=r"],
    ],
)
def test_a_store_that_is_not_there_is_said_and_not_made(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "typo" / "runs.sqlite"
    done = CliRunner().invoke(main, words, env={"HIL_STORE": str(path)})
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "words", [["list", "--limit"], ["prune", "--keep"], ["prune", "--keep=1", "--days"]], ids=" ".join
)
def test_a_number_beyond_all_databases_is_refused_at_the_option(
    hil: Hil, kept: list[str], words: list[str]
) -> None:
    done = hil(*words[:-1], f"{words[-1]}={10**20}")
    assert (done.exit_code, words[-1] in done.stderr) == (2, True), done.output
    assert len(lines(hil("list"))) == 1 + len(kept)
