"""Two boards that are one device, such as two cores of a phone, are compared each with its own figures."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil.report.figures.history import history
from hil.report.taken import from_store
from hil.results import file
from hil.results.difference import Kept, changes
from hil.results.run import BoardIdentity, Run
from hil.results.store import Store, open_store
from hil.suite import baselines
from tests.hil.support.runs import SHAPE, figure, outcome, run_at

LITTLE = BoardIdentity("android", "little core", "hardware", "0A061JEC", "", "2345")
BIG = replace(LITTLE, board="big core")
LATENCY = ("25%", "latency", "us")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "runs.sqlite")


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened


def keep_both(
    store: Store, second: int, little: float, big: float, failed: tuple[BoardIdentity, ...] = ()
) -> Run:
    """Keep a run of both boards, each with its latency."""
    writer = store.begin(run_at(second))
    for board, value in ((LITTLE, little), (BIG, big)):
        ended = "failed" if board in failed else "passed"
        writer.test_ended(outcome(board, board.board, ended), board, [figure(board, "25%", value)])
    writer.end("failed" if failed else "passed")
    return writer.run


def level(asked: str, where: str, board: BoardIdentity) -> tuple[float, list[float]]:
    """Return the latency of a board's baseline, and the first sample of each run in its history."""
    with baselines.found(asked, where, board, SHAPE) as found:
        assert found is not None
        return found.figures[LATENCY].value, [samples[0] for samples in found.history(LATENCY)]


@pytest.mark.parametrize("asked", ["auto", "last~1"])
def test_the_baseline_of_a_board_is_its_own_figures(store: Store, path: str, asked: str) -> None:
    for second in range(2):
        keep_both(store, second, 9.0 + second / 10, 1.0 + second / 10)
    little, big = (level(asked, path, board)[1] for board in (LITTLE, BIG))
    assert (little, big) == ([9.1, 9.0], [1.1, 1.0])


def test_a_failure_of_one_board_leaves_the_other_good(store: Store, path: str) -> None:
    keep_both(store, 1, 9.0, 1.0)
    keep_both(store, 2, 10.0, 2.0, failed=(LITTLE,))
    assert level("auto", path, LITTLE)[0] == 9
    assert level("auto", path, BIG)[0] == 2


def test_a_renamed_board_keeps_its_history_if_no_other_board_of_a_run_has_its_name(
    store: Store, path: str
) -> None:
    keep_both(store, 1, 9.0, 1.0)
    writer = store.begin(run_at(2))
    writer.test_ended(outcome(BIG, "t"), BIG, [figure(BIG, "25%", 2.0)])
    writer.end("passed")
    renamed = replace(BIG, board="renamed")
    assert level("auto", path, renamed)[0] == 2
    assert level("auto", path, BIG) == (2, [2, 1])


def test_a_results_file_keeps_both_apart(tmp_path: Path) -> None:
    written = tmp_path / "a.jsonl"
    rows = [figure(LITTLE, "25%", 9.0).plain(), figure(BIG, "25%", 1.0).plain()]
    file.write(written, rows, file.Header(run_at(1), (LITTLE, BIG), ()))
    assert level(str(written), "none", LITTLE)[0] == 9
    assert level(str(written), "none", BIG)[0] == 1


def test_a_difference_pairs_boards_of_the_same_name_whatever_their_order() -> None:
    before = Kept("a", [LITTLE, BIG], [figure(LITTLE, "25%", 9.0), figure(BIG, "25%", 1.0)])
    after = Kept("b", [BIG, LITTLE], [figure(BIG, "25%", 2.0), figure(LITTLE, "25%", 10.0)])
    found, notes = changes(before, after)
    assert {change.board.board: change.values for change in found} == {
        "little core": (9.0, 10.0),
        "big core": (1.0, 2.0),
    }
    assert notes == []


def test_a_report_has_a_history_of_each_board(store: Store) -> None:
    runs = [keep_both(store, second, 9.0, 1.0) for second in range(3)]
    taken = from_store(store, runs[-1], ())
    section = history(taken.benches, ())
    assert [figure.table.rows[0][2] for figure in section.figures] == ["9", "1"]
