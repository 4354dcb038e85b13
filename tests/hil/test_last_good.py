"""Test which earlier run a run is compared with: of each board, the last good one before it."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.cli import main
from hil.errors import ComparisonError
from hil.results.difference import Kept, changes
from hil.results.last_good import last_good
from hil.results.store import Store, open_store
from tests.hil.support.raising import raises
from tests.hil.support.runs import DESK, NANO, figure, keep, run_at


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "a.sqlite"))


def later(second: int) -> Kept:
    """Return a run on both boards at a time."""
    figures = [figure(NANO, "25%", 10.0), figure(DESK, "25%", 20.0)]
    return Kept("later", [NANO, DESK], figures, run_at(second))


def test_each_board_has_its_own_last_good_run_before_the_run(store: Store) -> None:
    first = keep(store, run_at(1), board=NANO, value=1.0)
    second = keep(store, run_at(2), board=DESK, value=2.0)
    keep(store, run_at(3), "failed", NANO, 3.0, ended="failed")
    keep(store, run_at(9), board=NANO, value=9.0)
    found = last_good(store, later(5))
    assert found.name == f"{first.id} of {NANO.board}, {second.id} of {DESK.board}"
    assert {(m.board, m.value) for m in found.measurements} == {(NANO.board, 1.0), (DESK.board, 2.0)}


def test_device_that_was_renamed_is_compared_under_its_new_name(store: Store) -> None:
    old, stranger = replace(DESK, board="old"), replace(DESK, serial="another")
    keep(store, run_at(1), board=old, value=1.0)
    keep(store, run_at(2), board=stranger, value=2.0)
    found = last_good(store, later(5))
    assert [board.key for board in found.boards] == [DESK.key]
    (change,), _ = changes(found, Kept("later", [DESK], [figure(DESK, "25%", 20.0)]))
    assert change.values == (1.0, 20.0)


def test_other_pack_shape_is_no_run_to_compare_with(store: Store) -> None:
    keep(store, run_at(1), board=NANO)
    others = [figure(NANO, "25%", 1.0, pack_shape="f" * 16)]
    with raises(ComparisonError):
        last_good(store, Kept("later", [NANO], others, run_at(5)))


def test_diff_against_good_takes_a_run_of_the_store_or_a_file(store: Store, tmp_path: Path) -> None:
    first = keep(store, run_at(1), value=1.0)
    keep(store, run_at(2), "failed", value=4.0, ended="failed")
    last = keep(store, run_at(3), "failed", value=2.0, ended="failed")

    def diff(name: str) -> str:
        asked = ["results", f"--store={tmp_path / 'a.sqlite'}", "diff", "good", name, "--markdown"]
        done = CliRunner().invoke(main, asked)
        assert done.exit_code == 0, done.output
        return done.stdout

    said = diff("last")
    assert f"- Baseline: run `{first.id}`, " in said
    assert f"- This run: run `{last.id}`, " in said
    file = str(tmp_path / "last.jsonl")
    export = ["export", "last", "--format=jsonl", f"--out={file}"]
    asked = ["results", f"--store={tmp_path / 'a.sqlite'}", *export]
    assert CliRunner().invoke(main, asked).exit_code == 0
    assert "| 25% | latency | us | 1 | 2 | +100.00% |" in diff(file)
