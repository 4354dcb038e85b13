"""Baselines in a store and in a file: only those of the same board, pack shape and provenance are found."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.cli import main
from hil.errors import BaselineError, HilError, ResultsError, StoreError
from hil.results import file
from hil.results.gate.baseline import Baseline
from hil.results.run import BoardIdentity, PackFacts
from hil.results.store import Store, open_store
from hil.suite import baselines, kept_run
from tests.hil.support.postgres import Postgres
from tests.hil.support.raising import raises
from tests.hil.support.runs import DESK, NANO, SHAPE, figure, keep, outcome, run_at

LATENCY = ("25%", "latency", "us")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "runs.sqlite")


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


def found(asked: str, where: str | None, board: BoardIdentity = DESK, shape: str = SHAPE) -> Baseline | None:
    with baselines.found(asked, where, board, shape) as baseline:
        return baseline


def values(asked: str, where: str) -> list[float]:
    """Return the first samples of a latency in its history, newest first."""
    with baselines.found(asked, where, DESK, SHAPE) as baseline:
        assert baseline is not None
        return [samples[0] for samples in baseline.history(LATENCY)]


def test_auto_without_a_good_run_finds_nothing(store: Store, path: str) -> None:
    assert found("auto", path) is None
    assert found("auto", "none") is None
    keep(store, run_at(1), "failed", DESK, ended="failed")
    keep(store, run_at(2), "passed", NANO)
    keep(store, run_at(3), "unfinished", DESK)
    assert found("auto", path) is None


def test_auto_finds_the_last_good_run_and_its_history(store: Store, path: str) -> None:
    for second in range(4):
        keep(store, run_at(second), board=DESK, value=float(second))
    keep(store, run_at(5), "failed", DESK, 50.0, "failed")
    baseline = found("auto", path)
    assert baseline is not None
    assert baseline.figures[LATENCY].value == 3
    assert values("auto", path) == [3, 2, 1, 0]


def test_other_agents_of_the_same_board_count_and_other_boards_do_not(store: Store, path: str) -> None:
    keep(store, run_at(1), board=replace(DESK, build="other", board="renamed"), value=1.0)
    keep(store, run_at(2), board=replace(DESK, serial="another"), value=2.0)
    assert values("auto", path) == [1]


def keep_two_boards(store: Store, second: int, failed: BoardIdentity) -> None:
    """Keep a run of both boards, in which a test of one of them failed."""
    writer = store.begin(run_at(second))
    for board in (DESK, NANO):
        ended = "failed" if board == failed else "passed"
        measured = [figure(board, "25%", float(second))]
        writer.test_ended(outcome(board, f"test_{board.board}", ended), board, measured)
    writer.end("failed")


def test_failure_of_another_board_takes_no_run_from_the_history(store: Store, path: str) -> None:
    for second, failed in enumerate((NANO, NANO, DESK, NANO)):
        keep_two_boards(store, second, failed)
    assert values("auto", path) == [3, 1, 0]


def test_board_that_failed_under_an_earlier_name_has_no_good_run(store: Store, path: str) -> None:
    keep(store, run_at(1), "failed", replace(DESK, board="old name"), ended="failed")
    assert found("auto", path) is None


def test_accepted_run_is_good_and_begins_a_history(store: Store, path: str) -> None:
    for second in range(3):
        keep(store, run_at(second), board=DESK, value=float(second))
    store.accept(keep(store, run_at(3), "failed", DESK, 30.0, "failed").id)
    assert values("auto", path) == [30]
    keep(store, run_at(4), board=DESK, value=31.0)
    assert values("auto", path) == [31, 30]


def test_named_run_is_compared_with_it_and_the_good_runs_since(store: Store, path: str) -> None:
    runs = [keep(store, run_at(second), board=DESK, value=float(second)) for second in range(4)]
    assert values(runs[1].id, path) == [3, 2, 1]
    assert values("last~2", path) == [3, 2, 1]
    named = found(runs[1].id, path)
    assert named is not None
    assert named.figures[LATENCY].value == 1


@pytest.mark.parametrize(
    ("board", "shape"),
    [(NANO, SHAPE), (replace(DESK, provenance="emulated"), SHAPE), (DESK, "other"),
     (replace(DESK, serial="another"), SHAPE)],
    ids=["target", "provenance", "shape", "board"],
)  # fmt: skip
def test_run_or_file_of_another_kind_is_refused(
    store: Store, path: str, tmp_path: Path, board: BoardIdentity, shape: str
) -> None:
    run = keep(store, run_at(1), board=DESK)
    header = file.Header(run, (DESK,), ())
    file.write(tmp_path / "a.jsonl", [figure(DESK, "25%", 1.0).plain()], header)
    for asked in ("last", str(tmp_path / "a.jsonl")):
        assert found(asked, path) is not None
        with raises(BaselineError):
            found(asked, path, board, shape)


def test_file_of_two_like_boards_is_the_baseline_of_each_by_its_own_figures(tmp_path: Path) -> None:
    renamed, other = replace(DESK, board="was renamed"), replace(DESK, serial="another")
    header = file.Header(run_at(1), (renamed, other), ())
    measured = [figure(renamed, "25%", 1.0).plain(), figure(other, "25%", 2.0).plain()]
    file.write(tmp_path / "a.jsonl", measured, header)
    for board, value in ((DESK, 1), (other, 2)):
        baseline = found(str(tmp_path / "a.jsonl"), "none", board)
        assert baseline is not None
        assert baseline.figures[LATENCY].value == value


@pytest.mark.parametrize("card", ["{", "[" * 9999, "[]", '{"labelled": 3}', '{"labelled": {}}'])
def test_card_of_another_form_names_no_labeled_examples(card: str, tmp_path: Path) -> None:
    run = run_at(1, pack=PackFacts("net", "00ff", SHAPE, card))
    file.write(tmp_path / "a.jsonl", [figure(DESK, "25%", 7.0).plain()], file.Header(run, (DESK,), ()))
    baseline = found(str(tmp_path / "a.jsonl"), "none")
    assert baseline is not None
    assert baseline.labeled == ""


def test_file_is_its_own_history(tmp_path: Path) -> None:
    file.write(tmp_path / "a.jsonl", [figure(DESK, "25%", 7.0).plain()])
    assert values(str(tmp_path / "a.jsonl"), "none") == [7]


@pytest.mark.parametrize(
    ("asked", "where", "kind"),
    [
        ("none.jsonl", None, BaselineError),
        ("~nobody/a.jsonl", None, BaselineError),
        ("last", "none", BaselineError),
        ("last", "store", StoreError),
        ("1999", "store", StoreError),
        ("bad.jsonl", "none", ResultsError),
    ],
)
def test_unknown_baselines_are_refused(
    store: Store, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, where: str | None,
    kind: type[HilError],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.jsonl").write_text("{")
    with pytest.raises(kind):
        found(asked, path if where == "store" else where)
    with pytest.raises(kind):
        baselines.resolved(asked, path if where == "store" else where, KIND, SHAPE)


def test_server_that_hangs_is_an_error_and_does_not_stop_the_bench(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_run, "PATIENCE_SECONDS", 1)
    url = postgres.database()
    with open_store(url) as store:
        keep(store, run_at(1), board=DESK, value=1.0)
    with baselines.found("auto", url, DESK, SHAPE) as baseline:
        assert baseline is not None
        with postgres.frozen(url), raises(StoreError, gone=True):
            baseline.history(LATENCY)
        assert [samples[0] for samples in baseline.history(LATENCY)] == [1]


KIND = [(DESK.target, DESK.provenance)]


def test_name_of_a_run_is_resolved_before_the_bench_begins(store: Store, path: str) -> None:
    run = keep(store, run_at(1), board=DESK)
    for asked in ("last", run.id[:12], run.id):
        assert baselines.resolved(asked, path, KIND, SHAPE) == run.id
    assert baselines.resolved("auto", path, KIND, SHAPE) == "auto"


@pytest.mark.parametrize(
    ("kind", "shape"),
    [((NANO.target, NANO.provenance), SHAPE), ((DESK.target, "emulated"), SHAPE), (KIND[0], "other")],
)
def test_run_or_file_of_another_kind_is_refused_before_the_bench(
    store: Store, path: str, tmp_path: Path, kind: tuple[str, str], shape: str
) -> None:
    run = keep(store, run_at(1), board=DESK)
    written = tmp_path / "a.jsonl"
    file.write(written, [figure(DESK, "25%", 1.0).plain()], file.Header(run, (DESK,), ()))
    for asked in ("last", str(written)):
        with raises(BaselineError):
            baselines.resolved(asked, path, [kind], shape)
    assert baselines.resolved(str(written), path, KIND, SHAPE) == str(written)


def hil(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_baselines_are_accepted_and_shown(store: Store, path: str) -> None:
    assert "no baseline yet" in hil("baseline", "show", "--store", path).output
    run = keep(store, run_at(1), "failed", DESK, ended="failed")
    assert "no baseline yet" in hil("baseline", "show", "--store", path).output
    done = hil("baseline", "accept", run.id[:12], "--store", path)
    assert (done.exit_code, run.id in done.output) == (0, True)
    assert run.id in hil("baseline", "show", "--store", path).output


def test_run_that_measured_nothing_is_not_accepted(store: Store, path: str) -> None:
    store.begin(run_at(1)).end("passed")
    done = hil("baseline", "accept", "--store", path)
    assert done.exit_code == 1
    assert len(done.output.strip().splitlines()) == 1
