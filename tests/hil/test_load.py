"""Deadlines beside a real competing process. Tests share their machine, so none asks how many are held."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.registry import target
from hil.cli import main
from hil.errors import SetupError
from hil.load.competitor import competing
from hil.load.jobs import DEADLINE, LoadRun, Outcome, beside_a_process
from hil.transports.deadline import Deadline
from reds.pack.model import Model
from tests.hil.support.raising import raises
from tests.hil.support.suite_run import Run, outcomes, read
from tests.support.nets import inputs

CORE = max(os.sched_getaffinity(0))


@pytest.fixture(scope="module")
def pinned() -> Iterator[Board]:
    with target("desktop").start(Entry("desk", "desktop", core=CORE), Provenance.HARDWARE) as board:
        yield board


def test_full_subnet_misses_deadlines_beside_a_busy_process_and_the_governor_falls_back(
    pinned: Board, small: Model
) -> None:
    pinned.deploy(small)
    found = beside_a_process(pinned, small, inputs(small, 8), CORE, jobs=40)
    assert (len(found.full), len(found.governed)) == (10, 40)
    assert all(a <= b for a, b in pairwise(found.alone_us))
    assert found.deadline_us == round(found.alone_us[-1] * DEADLINE)
    assert found.full_missed > 0.5
    assert found.governed[0].subnet == 1
    assert found.chosen[0] > 30


def test_shares_count_jobs_that_waited_as_missed() -> None:
    jobs = Outcome(0, 50.0), Outcome(None, 1.0), Outcome(1, 150.0), Outcome(0, 100.0)
    found = LoadRun(1, (50, 150), 100, jobs[2:3], jobs)
    assert (found.full_missed, found.governed_held) == (1.0, 0.5)
    assert found.chosen == {0: 2, None: 1, 1: 1}


def test_board_without_a_core_is_refused(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    with raises(SetupError, board=desktop.name):
        beside_a_process(desktop, small, inputs(small, 8), None)


@dataclass
class Shell:
    """The shell of a board, which notes the last process that it started."""

    board: Board
    pid: int = 0

    def __call__(self, script: str) -> str:
        assert self.board.shell is not None
        output = self.board.shell(script)
        self.pid = int(output) if output.strip().isdecimal() else self.pid
        return output

    def wait_for_its_end(self) -> None:
        stat = Path(f"/proc/{self.pid}/stat")
        with suppress(OSError):  # it is gone
            _wait_until(lambda: "Z" in stat.read_text().split())


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = Deadline.after(20)
    while not true():
        assert not deadline.passed
        os.sched_yield()


def test_process_runs_on_its_core_until_the_block_ends(pinned: Board) -> None:
    shell = Shell(pinned)
    with competing(shell, CORE, 60):
        _wait_until(lambda: os.sched_getaffinity(shell.pid) == {CORE})
    shell.wait_for_its_end()
    with pytest.raises(KeyError), competing(shell, CORE, 60):
        raise KeyError
    shell.wait_for_its_end()


def test_process_that_ends_early_is_an_error(pinned: Board) -> None:
    shell = Shell(pinned)
    with raises(SetupError), competing(shell, 4096, 60):
        shell.wait_for_its_end()


def test_suite_keeps_the_shares_of_deadlines_and_skips_a_board_without_a_core(
    hil: Run, tmp_path: Path
) -> None:
    boards = "".join(
        f'[[board]]\nname = "{name}"\ntarget = "desktop"\n{core}\n'
        for name, core in (("pinned", f"core = {CORE}"), ("free", ""))
    )
    (tmp_path / "two.toml").write_text(boards)
    done = hil("--boards", "two.toml", "--load=20", "--results", "a.jsonl", "-k", "test_load")
    ended = outcomes(done.stdout)
    assert (ended["skipped"], ended.get("passed", 0) + ended.get("failed", 0)) == (1, 1), done.stdout
    figures = {
        (row["board"], row["subnet"], row["metric"]): row["value"] for row in read(tmp_path / "a.jsonl")
    }
    assert figures.keys() == {("pinned", "governor", "load_held"), ("pinned", "100%", "load_missed")}
    held, missed = figures.values()
    assert (ended.get("passed", 0) == 1) == (held >= 0.99 and missed > 0.5)


def test_command_shows_each_run_and_fails_by_its_exit_status() -> None:
    done = CliRunner().invoke(main, ["load", "--runs", "1", "--jobs", "20"])
    assert "run 1: deadline" in done.stdout
    assert done.exit_code == (0 if "\n1 of 1 runs" in done.stdout else 1)
