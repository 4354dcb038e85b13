"""`hil report`: the figures say what the store holds, and no axis mixes hardware with emulation."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.boards.entry import Entry
from hil.cli import main
from hil.report.figure import Figure, Section, file_name
from hil.report.figures import history as figures_of_history
from hil.report.page import sections, write
from hil.report.taken import Taken, from_file, from_store
from hil.report.verdict import verdict
from hil.results import file
from hil.results.gate.times import level
from hil.results.limit import Limit
from hil.results.run import Run
from hil.results.statistics.quantiles import fast_mean
from hil.results.store import Store, find_run, open_store
from hil.results.store.writer import insert_limits
from tests.hil.support.reports import BOARDS, CLASSES, CLIPS, SUBNETS, bench
from tests.hil.support.runs import DESK, run_at

NANO, DESKTOP, *_ = BOARDS
Hil = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "runs.sqlite")) as store:
        yield store


def taken(store: Store, *runs: Run) -> list[Taken]:
    return [from_store(store, run, ()) for run in runs]


def section(found: Sequence[Section], name: str) -> Section:
    (one,) = (each for each in found if each.name == name)
    return one


def column(figure: Figure, head: str) -> list[str]:
    return [row[figure.table.heads.index(head)] for row in figure.table.rows]


def test_hardware_and_emulated_figures_share_no_picture(store: Store) -> None:
    boards = *BOARDS, replace(NANO, board="real", provenance="hardware", serial="S1", emulator="")
    runs = bench(store, 1, boards=boards), bench(store, 2, "other", boards=boards)
    found = sections(taken(store, *runs))
    assert [each.name for each in found] == [
        *("pareto", "latency", "switches", "change", "layers", "memory", "clips")
    ]
    for figure in (figure for each in found for figure in each.figures):
        said = " ".join((*figure.about, figure.title))
        assert ("hardware" in said) != ("emulated" in said), figure.title


def test_runs_of_different_provenance_are_not_compared_and_the_page_says_so(store: Store) -> None:
    emulated = replace(DESKTOP, provenance="emulated", serial="")
    found = sections(taken(store, bench(store, 1, boards=[emulated]), bench(store, 2, boards=[DESKTOP])))
    change = section(found, "change")
    assert (len(change.figures), len(change.notes)) == (0, 1)


def test_every_figure_has_a_text_a_table_and_its_provenance(store: Store) -> None:
    for each in sections(taken(store, bench(store, 1), bench(store, 2))):
        assert each.figures
        for figure in each.figures:
            assert figure.alt.endswith(".")
            assert figure.table.rows
            assert {len(row) for row in figure.table.rows} == {len(figure.table.heads)}
            assert any("run " in line for line in figure.about)


def test_pareto_has_the_figures_of_the_run(store: Store) -> None:
    (one,) = taken(store, bench(store, 1, boards=[DESKTOP]))
    (figure,) = section(sections([one]), "pareto").figures
    (kept,) = one.benches
    assert [point["x"] for point in figure.spec["data"]["values"]] == [
        kept.value(subnet, "latency", "us") for subnet in SUBNETS
    ]
    assert column(figure, "accuracy") == [
        f"{kept.value(subnet, 'accuracy', 'fraction'):.1%}".replace("%", " %") for subnet in SUBNETS
    ]


def test_percentiles_of_a_latency_have_the_bounds_that_its_samples_give(store: Store) -> None:
    (one,) = taken(store, bench(store, 1, boards=[DESKTOP]))
    (kept,) = one.benches
    samples = tuple(float(i) for i in range(1, 101))
    key = ("25%", "latency", "us")
    slow = replace(kept, figures={key: replace(kept.figures[key], samples=samples)})
    for board, told in (("hardware", ("95 (90 to 100)", "99 (97 or more)")), ("emulated", ("95", "99"))):
        bench_ = replace(slow, board=replace(slow.board, provenance=board))
        (figure,) = section(sections([replace(one, benches=(bench_,))]), "latency").figures
        assert [column(figure, f"{name} (95 %)") for name in ("p95", "p99")] == [[each] for each in told]


def test_limits_that_a_run_was_held_to_are_drawn_and_not_those_of_the_boards_file(store: Store) -> None:
    made = bench(store, 1, boards=[DESKTOP])
    who = DESKTOP.target, DESKTOP.board, DESKTOP.provenance
    held = [
        Limit(*who, "50%", "latency", "us", 777.0, least=False, kept=True),
        Limit(*who, "25%->50%", "switch", "us", 55.0, least=False, kept=True),
    ]
    held += [replace(each, value=1.0, pack_sha256="another pack") for each in held]
    with store.transaction(writes=True) as connection:
        insert_limits(connection, made.id, held)
    entry = Entry("desk", "desktop", latency_us={"25%": 1.0}, ram_bytes={"25%": 2.0})
    one = from_store(store, made, [entry])
    found = sections([one])
    (figure,) = section(found, "pareto").figures
    assert column(figure, "limit") == ["777" if subnet == "50%" else "-" for subnet in SUBNETS]
    (figure,) = section(found, "memory").figures
    assert set(column(figure, "limit of RAM")) == {"-"}
    (figure,) = section(found, "switches").figures
    assert "The limit is 55 us." in figure.notes


def test_limits_of_the_boards_file_are_drawn(store: Store, tmp_path: Path) -> None:
    from hil.boards import boards_toml

    path = tmp_path / "boards.toml"
    path.write_text(
        '[[board]]\nname = "desk"\ntarget = "desktop"\n'
        'latency_us = { "50%" = 900.0 }\nram_bytes = { "50%" = 9000 }\n'
    )
    one = from_store(store, bench(store, 1, boards=[DESKTOP]), boards_toml.load(path))
    found = sections([one])
    (pareto,), (memory,) = (section(found, name).figures for name in ("pareto", "memory"))
    assert column(pareto, "limit") == ["-", "900", "-"]
    drawn = next(layer["data"] for layer in pareto.spec["layer"] if "data" in layer)
    assert [limit["x"] for limit in drawn["values"]] == [900]
    assert column(memory, "limit of RAM") == ["-", "9,000", "-"]


def test_memory_is_told_as_a_part_of_what_the_board_has(store: Store) -> None:
    (figure,) = section(sections(taken(store, bench(store, 1, boards=[NANO]))), "memory").figures
    assert figure.notes == (
        "The board has 76,000 bytes for packs, of which 50.0 % are taken.",
        "The board has 48,000 bytes for the arena, of which 25.0 % are taken.",
    )


def test_packs_of_other_shapes_are_not_compared_one_by_one(store: Store) -> None:
    found = sections(taken(store, bench(store, 1), bench(store, 2, "other")))
    change = section(found, "change")
    assert (len(change.figures), len(change.notes)) == (0, 1)


def test_two_runs_stand_side_by_side_with_what_changed(store: Store) -> None:
    runs = bench(store, 1, boards=[DESKTOP]), bench(store, 2, boards=[DESKTOP], slower=1.1)
    (figure,) = section(sections(taken(store, *runs)), "change").figures
    drawn = {
        point["what"]: (round(point["x"], 6), point["judged"]) for point in figure.spec["data"]["values"]
    }
    assert drawn == {f"{subnet} latency": (0.1, "worse") for subnet in SUBNETS}
    assert ("25%", "macs", "MAC", "20,000", "20,000", "+0.00 %", "") in figure.table.rows


def test_switch_matrix_has_each_ordered_pair(store: Store) -> None:
    found = sections(taken(store, bench(store, 1, boards=[DESKTOP])))
    (figure,) = section(found, "switches").figures
    assert figure.table.rows == (
        ("25%", "-", "12", "13"),
        ("50%", "11", "-", "13"),
        ("100%", "11", "12", "-"),
    )


@pytest.mark.parametrize(
    ("given", "says"), [("50", ("The limit is 50 us.",)), ("inf", ()), ("nan", ()), ("fast", ())]
)
def test_limit_of_switches_is_told_if_it_is_a_number(store: Store, given: str, says: tuple[str, ...]) -> None:
    run = bench(store, 1, boards=[DESKTOP])
    (one,) = taken(store, replace(run, settings={"switch-limit-us": given}))
    (figure,) = section(sections([one]), "switches").figures
    assert figure.notes == says


def test_layers_of_a_subnet_add_up_to_its_bar(store: Store) -> None:
    (one,) = taken(store, bench(store, 1, boards=[NANO]))
    (figure,) = section(sections([one]), "layers").figures
    parts = figure.spec["data"]["values"]
    for subnet in SUBNETS:
        bar = [part for part in parts if part["subnet"] == subnet]
        assert [part["from"] for part in bar[1:]] == [part["to"] for part in bar[:-1]]
        assert bar[-1]["to"] == pytest.approx(one.benches[0].value(subnet, "latency", "us"))


def test_history_has_the_band_of_the_gate(store: Store) -> None:
    runs = [bench(store, second, boards=[DESKTOP], slower=1 + second / 1000) for second in range(6)]
    found = sections(taken(store, runs[-1]))
    latency = next(f for f in section(found, "history").figures if f.title.startswith("Latency"))
    before = [
        next(m for m in store.measurements(run.id) if (m.subnet, m.metric) == ("50%", "latency"))
        for run in reversed(runs[:-1])
    ]
    usual = level("latency", [m.samples for m in before])
    bands = {(p["band_low"], p["band_high"]) for p in latency.spec["data"]["values"] if p["subnet"] == "50%"}
    assert bands == {(usual.time - usual.margin, usual.time + usual.margin)}
    earlier = [p for p in latency.spec["data"]["values"] if p["subnet"] == "50%" and p["x"] < 0]
    assert [p["y"] for p in earlier] == [fast_mean(m.samples) for m in before]  # as the gate judges them
    assert all(p["low"] <= p["y"] <= p["high"] for p in earlier)
    assert column(latency, "run")[:6] == [run.id for run in reversed(runs)]


def test_history_of_a_count_has_the_value_of_the_last_good_run(store: Store) -> None:
    bench(store, 1, boards=[NANO])
    bench(store, 2, boards=[NANO], slower=2.0, fails="slow")
    last = bench(store, 3, boards=[NANO], slower=3.0)
    figures = section(sections(taken(store, last), ["cycles"]), "history").figures
    values = figures[0].spec["data"]["values"]
    assert {(p["band_low"], p["band_high"]) for p in values if p["subnet"] == "25%"} == {(64_000, 64_000)}
    assert len(figures) == 1


def test_history_of_many_pairs_says_that_some_are_left_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [bench(store, second, boards=[DESKTOP]) for second in (1, 2)]
    for most, notes in ((6, ()), (4, ("The first 4 of 6 are shown.",))):
        monkeypatch.setattr(figures_of_history, "_MOST_SUBNETS", most)
        (figure,) = section(sections(taken(store, runs[-1]), ["switch"]), "history").figures
        assert figure.notes == notes
        assert len(set(column(figure, "subnet"))) == most


def test_a_run_alone_has_no_history_and_nothing_beside_it(store: Store) -> None:
    names = {each.name for each in sections(taken(store, bench(store, 1)))}
    assert not names & {"history", "change"}


def test_lost_clips_are_those_of_the_samples(store: Store) -> None:
    (one,) = taken(store, bench(store, 1, boards=[DESKTOP]))
    by_class, moved, small, _ = section(sections([one]), "clips").figures
    of = {(m.subnet, m.metric): m.samples for m in one.measurements}
    labels, answers = of["25%", "label"], {subnet: of[subnet, "answer"] for subnet in SUBNETS}
    lost = sum(
        best == label != least
        for label, least, best in zip(labels, answers["25%"], answers["100%"], strict=True)
    )
    assert moved.notes[0].startswith(f"25% loses {lost} clips")
    differ = [i for i in range(CLIPS) if len({answers[subnet][i] for subnet in SUBNETS}) > 1]
    assert column(moved, "clip") == [str(i) for i in differ]
    assert column(moved, "right") == [CLASSES[int(labels[i])] for i in differ]
    assert sum(int(cell) for row in small.table.rows for cell in row[1:]) == CLIPS
    assert sum(int(row[i + 1]) for i, row in enumerate(small.table.rows)) == sum(
        a == b for a, b in zip(labels, answers["25%"], strict=True)
    )
    assert sum(map(int, column(by_class, "clips"))) == CLIPS


def test_boards_that_answer_alike_share_figures_of_one_provenance(store: Store) -> None:
    titles = [figure.title for figure in section(sections(taken(store, bench(store, 1))), "clips").figures]
    assert [title for title in titles if title.startswith("Clips")] == [
        "Clips lost and gained: kws-net on nano33ble, pi, emulated",
        "Clips lost and gained: kws-net on desk, phone, hardware",
    ]


def test_a_verdict_names_what_failed_and_what_was_lost(store: Store) -> None:
    passed, failed = taken(store, bench(store, 1), bench(store, 2, fails="too slow"))
    assert (verdict(passed).kind, verdict(failed).kind) == ("good", "bad")
    assert [test.why for test in verdict(failed).failures] == ["too slow"]
    nothing = from_store(store, store.begin(run_at(9)).run, ())
    assert verdict(nothing).kind == "open"


def test_names_of_files_hold_nothing_of_a_path() -> None:
    assert file_name("../../etc", "a/b<c>", "25%") == "etc-a-b-c-25"


class TestCommand:
    @pytest.fixture
    def hil(self, tmp_path: Path) -> Hil:
        def run(*arguments: str) -> Result:
            return CliRunner().invoke(
                main, ["report", f"--store={tmp_path / 'runs.sqlite'}", f"--out={tmp_path / 'r'}", *arguments]
            )

        return run

    def test_the_last_run_becomes_a_page_with_svg_and_png_of_each_figure(
        self, hil: Hil, store: Store, tmp_path: Path
    ) -> None:
        bench(store, 1, boards=[DESKTOP])
        done = hil()
        assert done.exit_code == 0, done.output
        page = (tmp_path / "r" / "index.html").read_text()
        linked = set(re.findall(r'href="(figures/[^"]+)"', page))
        there = {str(path.relative_to(tmp_path / "r")) for path in (tmp_path / "r" / "figures").iterdir()}
        assert linked == there
        for name in there:
            data = (tmp_path / "r" / name).read_bytes()
            if name.endswith(".png"):
                assert data.startswith(b"\x89PNG")
            else:
                shown = " ".join(ET.fromstring(data).itertext())
                assert "hardware" in shown
                assert find_run(store, "last").id in shown

    def test_a_folder_keeps_no_figure_of_an_earlier_report(
        self, hil: Hil, store: Store, tmp_path: Path
    ) -> None:
        first = bench(store, 1, boards=[DESKTOP])
        assert hil().exit_code == 0
        figures = tmp_path / "r" / "figures"
        (figures / "mine.svg").write_text("mine")
        bench(store, 2, boards=[DESKTOP])
        assert hil().exit_code == 0
        page = (tmp_path / "r" / "index.html").read_text()
        linked = set(re.findall(r'href="figures/([^"]+)"', page))
        assert {path.name for path in figures.iterdir()} == {*linked, "mine.svg"}
        assert not list(figures.glob(f"*{first.id}*"))

    def test_a_results_file_needs_no_store(self, hil: Hil, store: Store, tmp_path: Path) -> None:
        run = bench(store, 1, boards=[DESKTOP])
        header = file.Header(run, tuple(store.boards(run.id)), tuple(store.tests(run.id)))
        path = tmp_path / "a.jsonl"
        file.write(path, [m.plain() for m in store.measurements(run.id)], header)
        (one,) = taken(store, run)
        assert replace(from_file(path, ()), benches=()) == replace(one, benches=())
        assert hil("--results", str(path)).exit_code == 0

    def test_what_cannot_be_shown_is_said_in_one_line(self, hil: Hil, tmp_path: Path) -> None:
        path = tmp_path / "old.jsonl"
        path.write_text("")
        for arguments in (["last"], ["--results", str(path)], ["--boards", str(path)]):
            done = hil(*arguments)
            assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output

    def test_a_run_without_an_end_is_no_good_news(self, hil: Hil, store: Store, tmp_path: Path) -> None:
        store.begin(run_at(1))
        assert hil().exit_code == 0
        page = (tmp_path / "r" / "index.html").read_text()
        assert "No run failed, but 1 of 1 did not end or measured nothing" in page

    def test_an_unknown_metric_writes_no_page(self, hil: Hil, store: Store, tmp_path: Path) -> None:
        bench(store, 1, boards=[DESKTOP])
        done = hil("--history=latncy")
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output
        assert "did you mean latency?" in done.stderr
        assert not (tmp_path / "r").exists()

    def test_a_file_in_place_of_the_folder_is_refused(self, hil: Hil, store: Store, tmp_path: Path) -> None:
        bench(store, 1, boards=[DESKTOP])
        (tmp_path / "r").write_text("mine")
        done = hil()
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output
        assert (tmp_path / "r").read_text() == "mine"


def test_a_card_of_another_form_is_no_error(store: Store, tmp_path: Path) -> None:
    run = bench(store, 1, boards=[DESK])
    for card in ("[]", "{", json.dumps({"classes": 3, "bytes": "many"}), json.dumps({"classes": [1]})):
        facts = replace(run.pack, card=card) if run.pack else None
        (bench_,) = from_store(store, run, ()).benches
        changed = replace(bench_, run=replace(run, pack=facts))
        assert write([Taken(run, (), (), (), (changed,))], tmp_path).figures > 5
