"""Chaos itself: a short run of it, and that it finds what it looks for. `make chaos` is the long run."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import AgentError, LinkError
from hil.protocol.definition import Command
from hil.protocol.frame import Frame, encode
from tests.chaos import byte_faults, frame_faults
from tests.chaos.faults import ALL, ANSWERS, BYTES, FRAMES, Fault, draw
from tests.chaos.faulty import environment, proxy
from tests.chaos.isolation import Broken, adopt_orphans, isolated, limit
from tests.chaos.judge import GRACE_SECONDS, Judge, Wrong
from tests.chaos.kind import Outcome
from tests.chaos.proxy import spoiled
from tests.chaos.remains import held
from tests.chaos.report import Counts, repetition
from tests.chaos.run import Run, one, seeds

SEED = 8706
"""Seed of the short run."""
ROOT = Path(__file__).parents[2]
faults = st.builds(draw, st.randoms(use_true_random=False), st.sampled_from([ALL, BYTES, ANSWERS]))


def test_a_short_chaos_breaks_links_and_finds_no_violation(tmp_path: Path) -> None:
    results = tmp_path / "chaos.jsonl"
    options = [f"--seed={SEED}", "--runs=12", "--only=link over a p", f"--results={results}"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runs = [json.loads(line) for line in results.read_text().splitlines()]
    assert len(runs) == 12
    assert {run["kind"] for run in runs} == {"link over a pipe", "link over a pty"}
    assert len({run["fault"] for run in runs}) > 6


def test_a_seed_repeats_a_run_and_the_seeds_after_it() -> None:
    first, second = one(3, "link over a pipe").outcome, one(3, "link over a pipe").outcome
    assert (first.kind, first.fault) == (second.kind, second.fault)
    chain = list(islice(seeds(3), 5))
    assert list(islice(seeds(chain[2]), 3)) == chain[2:]


def test_a_run_leaves_its_process_without_an_alarm_and_without_orphans() -> None:
    """An alarm that is left kills the process that ran other tests since, without a word."""
    one(3, "link over a pipe")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert not adopt_orphans(False)


def test_a_violation_makes_the_command_fail(tmp_path: Path) -> None:
    """The agent cannot be built without a compiler, so that chaos itself is broken."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--runs=1", "--only=pipe", f"--results={tmp_path}/chaos.jsonl"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "make chaos SEED=" in done.stdout


def test_work_that_hangs_is_ended_and_its_stack_is_told(tmp_path: Path) -> None:
    def hang() -> None:
        limit("waiting", 0.3)
        threading.Event().wait()

    broken = isolated(hang, 60, tmp_path / "stack")
    assert isinstance(broken, Broken)
    assert broken.hung
    assert broken.how == "waiting hung"
    assert "hang" in broken.where


def test_what_hung_work_has_started_is_ended_too(tmp_path: Path) -> None:
    def hang() -> None:
        child = subprocess.Popen(["sh", "-c", "sleep 1000 & echo $! >child; wait"], cwd=tmp_path)
        limit("waiting", 1.0)
        child.wait()

    assert isolated(hang, 60, tmp_path / "stack").hung
    pid = int((tmp_path / "child").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_work_that_raises_or_crashes_is_told(tmp_path: Path) -> None:
    raised = isolated(lambda: int("x"), 60, tmp_path / "stack")
    assert raised.how.startswith("raised ValueError")
    assert not raised.hung
    assert "status 7" in isolated(lambda: os._exit(7), 60, tmp_path / "stack").how
    assert isolated(lambda: 7, 60, tmp_path / "stack") == 7


def test_an_agent_that_crashes_is_told(tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    agent.write_text("#!/bin/sh\nkill -SEGV $$\n")
    agent.chmod(0o755)
    words = proxy("agent", Fault().dumps(), str(agent), str(tmp_path / "crash"))
    subprocess.run(words, env=environment(), stdin=subprocess.PIPE, timeout=60, check=True)
    assert (tmp_path / "crash").read_text() == "SIGSEGV"


@given(faults)
def test_a_fault_survives_its_journey_to_the_proxy(fault: Fault) -> None:
    assert Fault.loads(fault.dumps()) == fault
    assert str(fault).isprintable()


def test_every_fault_is_made() -> None:
    assert byte_faults.SPOILS.keys() == BYTES.keys()
    assert frame_faults.SPOILS.keys() == FRAMES.keys()


FRAMES_SENT = [encode(Frame(Command.INFER | 0x80, number, bytes([number] * 20))) for number in range(1, 20)]


@given(faults, st.lists(st.integers(1, 40), max_size=20))
def test_a_fault_changes_the_stream_only_from_its_place_on(fault: Fault, sizes: list[int]) -> None:
    stream = b"".join(FRAMES_SENT)
    sent = b""
    for piece in islice(spoiled(fault, fault.lane, pieces(stream, sizes)), 200):
        sent += piece if isinstance(piece, bytes) else b""
    whole = len(b"".join(FRAMES_SENT[: fault.at])) if fault.name in FRAMES else fault.at
    kept = min(whole, len(stream))
    assert sent[:kept] == stream[:kept]


@given(faults, st.lists(st.integers(1, 40), max_size=20))
def test_a_fault_leaves_the_other_lane_alone(fault: Fault, sizes: list[int]) -> None:
    stream = b"".join(FRAMES_SENT)
    other = "agent" if fault.lane == "host" else "host"
    assert b"".join(spoiled(fault, other, pieces(stream, sizes))) == stream


def pieces(stream: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut a stream into pieces of these sizes and a rest."""
    for size in sizes:
        if stream:
            yield stream[:size]
            stream = stream[size:]
    if stream:
        yield stream


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    monkeypatch.setattr("tests.chaos.isolation.limit", lambda doing, seconds: None)
    return Judge((LinkError,))


def test_an_error_of_the_right_kind_is_no_violation(judge: Judge) -> None:
    judge.judged("infer", 1.0, raising(LinkError("gone; plug it in")))
    assert (judge.verdict, judge.violations) == ("LinkError", [])


@pytest.mark.parametrize(
    "error",
    [
        AgentError("refused", code=1),
        LinkError("x" * 1000),
        ValueError("raw"),
        Wrong("outputs"),
    ],
)
def test_a_wrong_error_is_a_violation(judge: Judge, error: Exception) -> None:
    judge.judged("infer", 1.0, raising(error))
    (violation,) = judge.violations
    assert violation.isprintable()


def test_an_operation_that_ends_late_is_a_violation(judge: Judge) -> None:
    judge.judged("infer", -GRACE_SECONDS, lambda: time.perf_counter())
    assert len(judge.violations) == 1
    assert judge.overrun > GRACE_SECONDS


def raising(error: Exception):
    def work() -> None:
        raise error

    return work


def test_threads_files_processes_and_temporary_files_count_as_held(tmp_path: Path) -> None:
    before, end = held(tmp_path), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    child = subprocess.Popen(["sleep", "1000"])
    with (tmp_path / "file").open("w"):
        found = held(tmp_path) - before
    end.set()
    thread.join()
    child.kill()
    child.wait()
    (tmp_path / "file").unlink()
    assert sorted(name.split()[0] for name in found) == ["file", "process", "temporary", "thread"]
    assert held(tmp_path) == before


def test_counts_add_up_what_runs_found() -> None:
    counts = Counts()
    for outcome in (
        Outcome("a", "change nothing", "passed"),
        Outcome("a", "close", "LinkError", ("left process 1", "slow"), 2.5),
    ):
        counts.add(Run(1, outcome, 0.1))
    assert counts == Counts(runs=2, faults=1, right=1, violations=2, overrun=2.5, leftovers=1)


def test_the_command_that_repeats_a_run_names_its_seed_and_kinds() -> None:
    run = Run(random.Random(1).getrandbits(40), Outcome("a", "b", "c"), 0.1)
    assert repetition(run, "") == f"make chaos SEED={run.seed} RUNS=1"
    assert repetition(run, "over a pty").endswith(" ONLY='over a pty'")
