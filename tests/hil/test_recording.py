"""Runs of pytest are kept in the store as they go, whatever happens to the run or to the store."""

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.results.pack_shape import pack_shape
from hil.results.store import import_file, open_store
from reds.pack.model import Model
from tests.hil.support.suite_run import outcomes, read, run_pytest

Bench = Callable[..., subprocess.CompletedProcess[str]]
MEASURES = """
import os, signal, sqlite3
import pytest

def test_good(board, pack):
    board.deploy(pack)
    board.measure(0, n=3)
"""
ENDS = """
def test_bad(board):
    assert 1 == 2, "two lines\\nof text"

def test_skipped(board):
    pytest.skip("no time")

@pytest.fixture
def broken():
    yield
    raise RuntimeError("broken teardown")

def test_broken(board, broken):
    board.measure(1, n=2)

def test_of_no_board():
    pass
"""
KILLED = """
def test_killed(board):
    board.measure(0, n=3)
    os.kill(os.getpid(), signal.{0})
"""
KILLED_AS_IT_IS_SHOWN = """
class Shows:
    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            os.kill(os.getpid(), signal.SIGKILL)

@pytest.hookimpl(trylast=True)  # as pytest registers what writes to the terminal
def pytest_configure(config):
    config.pluginmanager.register(Shows())
"""
TAKEN_AWAY = """
def test_store_is_taken_away(board):
    with sqlite3.connect(os.environ["STORE"]) as raw:
        raw.execute("DROP TABLE measurements")

def test_later(board):
    board.measure(1, n=3)
"""


@pytest.fixture
def bench(tmp_path: Path, small_pack: Path) -> Bench:
    """Run these tests on the desktop, with the store `runs.sqlite`."""

    def run(text: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_mine.py").write_text(MEASURES + text)
        store = str(tmp_path / "runs.sqlite")
        told = "--target=desktop", f"--pack={small_pack}", "test_mine.py", *arguments
        return run_pytest(tmp_path, *told, env={"HIL_STORE": store, "STORE": store})

    return run


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "under xdist"])
def test_a_run_is_kept_with_all_that_identifies_it(
    workers: tuple[str, ...], bench: Bench, tmp_path: Path, small: Model
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "a"]
    subprocess.run(commit, cwd=tmp_path, check=True)
    done = bench(ENDS, "--results=a.jsonl", *workers)
    assert outcomes(done.stdout) == {"failed": 1, "passed": 3, "skipped": 1, "error": 1}, done.stdout
    with open_store(str(tmp_path / "runs.sqlite")) as store:
        (run,) = store.runs()
        tests = {test.test.rpartition("::")[2].partition("[")[0]: test for test in store.tests(run.id)}
        (board,) = store.boards(run.id)
        measured = store.measurements(run.id)
    assert (run.status, run.host, run.provenances) == ("failed", platform.node(), ("hardware",))
    assert (len(run.commit), run.dirty, run.ended > run.started) == (40, False, True)
    assert run.command.startswith("pytest ")
    assert run.settings["target"] == "desktop"
    assert run.pack
    assert (run.pack.name, run.pack.shape, run.pack.card) == ("small", pack_shape(small), "")
    assert (board.target, board.provenance, board.serial) == ("desktop", "hardware", platform.node())
    assert board.build
    assert {name: (test.outcome, test.why) for name, test in tests.items()} == {
        "test_good": ("passed", ""),
        "test_bad": ("failed", "AssertionError: two lines"),
        "test_skipped": ("skipped", "no time"),
        "test_broken": ("error", "RuntimeError: broken teardown"),
    }
    assert all(test.board == "desktop" and test.seconds > 0 for test in tests.values())
    assert [(m.subnet, len(m.samples), m.pack_shape) for m in measured] == [
        (small.subnets[0].name, 3, pack_shape(small)),
        (small.subnets[1].name, 2, pack_shape(small)),
    ]
    with open_store(str(tmp_path / "other.sqlite")) as other:
        assert import_file(other, tmp_path / "a.jsonl").ended[:19] == run.ended[:19]
        assert other.measurements(run.id) == measured
        assert other.boards(run.id) == [board]


@pytest.mark.parametrize(
    ("sent", "ends", "status"), [("SIGKILL", -9, "unfinished"), ("SIGINT", 2, "interrupted")]
)
def test_a_killed_run_keeps_its_finished_tests(
    sent: str, ends: int, status: str, bench: Bench, tmp_path: Path
) -> None:
    assert bench(KILLED.format(sent)).returncode == ends
    with open_store(str(tmp_path / "runs.sqlite")) as store:
        (run,) = store.runs()
        assert run.status == status
        assert [test.outcome for test in store.tests(run.id)] == ["passed"]
        assert len(store.measurements(run.id)) == 1


def test_a_test_is_kept_before_it_is_shown(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(f"import os, signal, pytest\n{KILLED_AS_IT_IS_SHOWN}")
    assert bench("").returncode == -9
    with open_store(str(tmp_path / "runs.sqlite")) as store:
        (run,) = store.runs()
        assert [test.outcome for test in store.tests(run.id)] == ["passed"]


@pytest.mark.parametrize("when", ["before", "in the middle"])
def test_a_store_that_cannot_be_used_costs_no_run(when: str, bench: Bench, tmp_path: Path) -> None:
    if when == "before":
        (tmp_path / "runs.sqlite").write_bytes(b"no database" * 100)
    done = bench(TAKEN_AWAY if when == "in the middle" else "")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "failed" not in outcomes(done.stdout)
    assert "Traceback" not in done.stdout + done.stderr
    (said,) = [line for line in done.stdout.splitlines() if line.startswith("ERROR: ")]
    (aside,) = tmp_path.glob("*.jsonl")
    assert f"hil results import {aside}" in said
    with open_store(str(tmp_path / "other.sqlite")) as other:
        run = import_file(other, aside)
        assert run.status == "passed"
        assert (
            len(other.measurements(run.id))
            == len(read(aside))
            == outcomes(done.stdout)["passed"] - (when != "before")
        )


def test_the_results_file_has_the_run_if_the_store_has_not(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").mkdir()
    done = bench("", "--results=a.jsonl")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["a.jsonl"]
    assert "it is in a.jsonl" in done.stdout


def test_a_default_store_that_cannot_be_opened_is_a_note(tmp_path: Path, small_pack: Path) -> None:
    (tmp_path / "test_mine.py").write_text(MEASURES)
    (tmp_path / "home").touch()
    told = "--target=desktop", f"--pack={small_pack}", "test_mine.py"
    done = run_pytest(tmp_path, *told, env={"HIL_STORE": "", "XDG_DATA_HOME": str(tmp_path / "home")})
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout
    assert "this run is not kept" in done.stdout
    assert not list(tmp_path.glob("*.jsonl"))


def test_no_store_is_opened_by_a_session_that_runs_no_test_on_a_board(bench: Bench, tmp_path: Path) -> None:
    assert bench(ENDS, "-k", "test_of_no_board").returncode == 0
    assert not (tmp_path / "runs.sqlite").exists()


def test_a_store_of_an_unknown_kind_ends_the_run_before_it_begins(bench: Bench) -> None:
    done = bench("", "--store=mysql://me:secret@h/runs")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "secret" not in done.stdout + done.stderr
