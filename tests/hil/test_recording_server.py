"""Runs of pytest whose store is a server: it goes away, comes back, refuses them, or has two at once."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.cli import main
from hil.results.pack_shape import pack_shape
from hil.results.store import open_store, waiting
from reds.pack.model import Model
from tests.hil.support.postgres import Postgres
from tests.hil.support.suite_run import outcomes, run_pytest

Bench = Callable[..., subprocess.CompletedProcess[str]]
TESTS = """
import json, os, signal, subprocess

def control(command):
    silent = subprocess.DEVNULL
    subprocess.run(json.loads(os.environ[command]), stdout=silent, stderr=silent, cwd="/")

def test_first(board, pack):
    board.deploy(pack)
    board.measure(0, n=3)

def test_middle(board):
    board.measure(0, n=3)
    {middle}

def test_last(board):
    board.measure(1, n=3)
    {last}
"""


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    yield postgres.database()
    postgres.start()


@pytest.fixture
def bench(tmp_path: Path, small_pack: Path, url: str, postgres: Postgres) -> Bench:
    """Run three tests on the desktop, of which the last two do more, with a store on the server."""

    def run(
        middle: str = "", last: str = "", store: str = url, folder: str = "one"
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "test_mine.py").write_text(TESTS.format(middle=middle, last=last))
        told = "--target=desktop", f"--pack={small_pack}", "test_mine.py"
        commands = {"STOP": postgres.stop_command, "START": postgres.start_command}
        env = {name: json.dumps(command) for name, command in commands.items()}
        return run_pytest(
            tmp_path / folder, *told, env={**env, "HIL_STORE": store, "XDG_DATA_HOME": str(tmp_path / "data")}
        )

    return run


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def note(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says where a run is."""
    (line,) = [line for line in done.stdout.splitlines() if "run: " in line or "; run " in line]
    return line


def kept(url: str) -> list[tuple[str, list[str], int]]:
    """Return status, outcomes of tests and number of measurements of each run, the newest first."""
    with open_store(url) as store:
        return [
            (run.status, [t.outcome for t in store.tests(run.id)], len(store.measurements(run.id)))
            for run in store.runs()
        ]


WHOLE = ("passed", ["passed"] * 3, 3)


def test_a_run_whose_server_is_restarted_is_sent_at_its_end(bench: Bench, url: str) -> None:
    done = bench("control('STOP')", "control('START')")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 3}), done.stdout
    assert "it was sent at its end" in note(done)
    assert kept(url) == [WHOLE]
    assert waiting() == {}


def test_a_run_whose_server_stays_away_is_sent_by_the_next_one(
    bench: Bench, url: str, postgres: Postgres
) -> None:
    first = bench("control('STOP')")
    assert (first.returncode, outcomes(first.stdout)) == (0, {"passed": 3}), first.stdout
    assert "is kept on this machine" in note(first)
    second = bench()  # without the server from the start
    assert second.returncode == 0, second.stdout
    assert "is kept on this machine" in note(second)
    assert list(waiting().values()) == [2]
    postgres.start()
    third = bench()
    assert third.returncode == 0, third.stdout
    assert "earlier runs sent to postgresql" in third.stdout
    assert kept(url) == [WHOLE] * 3
    assert waiting() == {}


def test_a_run_that_is_killed_without_its_server_keeps_its_finished_tests(
    bench: Bench, url: str, postgres: Postgres
) -> None:
    done = bench("control('STOP')", "os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -9
    postgres.start()
    sent = CliRunner().invoke(main, ["results", f"--store={url}", "send"])
    assert (sent.exit_code, sent.stdout.count(": sent")) == (0, 1), sent.output
    assert kept(url) == [("unfinished", ["passed"] * 2, 2)]


def test_a_server_that_refuses_a_run_fails_it_and_loses_nothing(bench: Bench, url: str, data: Path) -> None:
    done = bench(store=url.replace("hil@", "nobody:s3cret@"))
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert outcomes(done.stdout) == {"passed": 3}
    assert note(done).startswith("ERROR: ")
    assert "s3cret" not in done.stdout + done.stderr
    assert not [path for path in data.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]
    sent = CliRunner().invoke(main, ["results", f"--store={url}", "send"])
    assert (sent.exit_code, kept(url)) == (0, [WHOLE]), sent.output


def test_of_two_runs_at_once_both_are_whole_and_the_good_one_is_the_baseline(
    bench: Bench, url: str, small: Model, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "both")  # who opens it waits for the other one
    with ThreadPoolExecutor() as pool:
        good = pool.submit(bench, "open('../both').close()", folder="good")
        bad = pool.submit(bench, "open('../both', 'w').close()", "assert False", folder="bad")
    assert (good.result().returncode, bad.result().returncode) == (0, 1)
    failed = ("failed", ["passed", "passed", "failed"], 3)
    assert sorted(kept(url)) == [failed, WHOLE]
    with open_store(url) as store:
        (run,) = store.runs(status="passed")
        (other,) = store.runs(status="failed")
        assert max(run.started, other.started) < min(run.ended, other.ended)
        (board,) = store.boards(run.id)
        assert store.boards(other.id) == [board]
        moved = replace(board, board="in another rack", build="new")
        assert store.last_good(moved, pack_shape(small)) == run
        name = small.subnets[0].name
        history = store.history(moved, pack_shape(small), name, "latency", "us")
        assert {one.run.id: one.good for one in history} == {run.id: True, other.id: False}
