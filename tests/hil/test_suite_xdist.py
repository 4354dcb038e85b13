"""`pytest hil -n 4`: every board on one worker, its results those of a run without workers."""

import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hil.support.processes import eventually, marked
from tests.hil.support.suite_run import PLUGINS, Run, outcomes, read, suite_size, usage_error

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
SPY = """
import os
import pytest
@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid):
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        with open("order", "a") as file:
            file.write(f"{worker} {nodeid}\\n")
"""
"""A plugin that keeps which worker ran which test, in the order of their ends."""


@pytest.fixture
def boards(tmp_path: Path, posix_agent: Path) -> Path:
    """Two emulated Nanos and, between them, a desktop that keeps how often its agent was started."""
    agent = tmp_path / "agent"
    agent.write_text(f"#!/bin/sh\necho started >>{tmp_path}/starts\nexec {posix_agent}\n")
    agent.chmod(0o755)
    rows = [("left", "nano33ble", ""), ("desk", "desktop", 'agent = "agent"\n'), ("right", "nano33ble", "")]
    path = tmp_path / "boards.toml"
    path.write_text("".join(f'[[board]]\nname = "{n}"\ntarget = "{t}"\n{more}' for n, t, more in rows))
    return path


def spied(folder: Path) -> dict[str, str]:
    (folder / "spy.py").write_text(SPY)
    return {"PYTHONPATH": f"{folder}:{ROOT}", "PYTEST_PLUGINS": "spy"}


def ran(folder: Path) -> list[tuple[str, str]]:
    """Worker and board of each test, in the order of their ends."""
    lines = (folder / "order").read_text().splitlines()
    return [(line.split()[0], match[1]) for line in lines if (match := re.search(r"\[(\w+)-\w+-", line))]


def test_boards_run_at_once_and_the_results_are_those_of_a_serial_run(
    hil: Run, small_pack: Path, boards: Path, tmp_path: Path
) -> None:
    args = ("--emulate", "--boards", boards, "--pack", small_pack, "--samples=7")
    serial = hil(*args, "--results=serial.jsonl")
    assert (tmp_path / "starts").read_text() == "started\n"
    done = hil(*args, "--results=parallel.jsonl", "-n3", env=spied(tmp_path))
    assert (done.returncode, outcomes(done.stdout)) == (
        0,
        {"passed": 3 * (suite_size(small_pack) - 2), "skipped": 6},
    ), done.stdout
    assert (tmp_path / "starts").read_text() == "started\n" * 2
    said = "reds-hil: small on left (emulated), desk (hardware), right (emulated); 256 seeded random inputs"
    for text in (serial.stdout, done.stdout):
        assert text.count(said) == 1
        shown = re.findall(r"^(\w+) \(\w+\), (?:emulated|hardware): \d+ passed", text, re.MULTILINE)
        assert shown == ["left", "desk", "right"]

    of, ended = defaultdict(set), ran(tmp_path)
    for worker, board in ended:
        of[board].add(worker)
    assert {len(workers) for workers in of.values()} == {1}
    assert of["left"] != of["right"]
    last = ended[-suite_size(small_pack) :]
    assert {board for _, board in last} == {"desk"}  # when nothing else disturbs its times

    one, other = read(tmp_path / "serial.jsonl"), read(tmp_path / "parallel.jsonl")
    who = ("board", "subnet", "metric")
    assert [[row[k] for k in who] for row in one] == [[row[k] for k in who] for row in other]
    for before, after in zip(one, other, strict=True):
        assert before == after or before["board"] == "desk"


@pytest.mark.parametrize("folder", [None, ROOT])
def test_what_cannot_be_set_up_is_said_once(hil: Run, folder: Path | None) -> None:
    """From anywhere, and in the root, where tests have other names."""
    if folder is None:
        return usage_error(hil("-n2", "--samples=x"), r"^ERROR: --samples is 'x'; write a whole number")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "hil", "-n2", "--target=nano", *PLUGINS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return usage_error(done, r"^ERROR: there is no target 'nano'; did you mean nano33ble")


def test_a_worker_that_crashes_is_replaced_and_the_board_s_other_tests_run(
    hil: Run, small_pack: Path, boards: Path, tmp_path: Path
) -> None:
    env = spied(tmp_path)
    crash = "    if worker and 'test_latency[left' in nodeid and not os.path.exists('crashed'):\n"
    crash += "        open('crashed', 'w').close()\n        os._exit(1)\n"
    (tmp_path / "spy.py").write_text(SPY + crash)
    done = hil("--emulate", "--boards", boards, "--pack", small_pack, "--samples=7", "-n2", env=env)
    assert done.returncode == 1
    assert "crashed while running" in done.stdout
    assert outcomes(done.stdout)["passed"] >= 26
    every = {test for _, test in ran(tmp_path)}
    assert every == {"left", "desk", "right"}
    assert len(ran(tmp_path)) == 3 * suite_size(small_pack)


@pytest.mark.parametrize("workers", ["-n0", pytest.param("-n2", marks=pytest.mark.long)])
def test_a_run_that_stops_early_keeps_the_results_of_before(
    hil: Run, small_pack: Path, tmp_path: Path, workers: str
) -> None:
    (tmp_path / "a.jsonl").write_text("before")
    args = ("--target=desktop", "--pack", small_pack, "--switch-limit-us=1e-9", "--results=a.jsonl")
    done = hil(*args, "-x", workers)
    assert done.returncode != 0
    assert (tmp_path / "a.jsonl").read_text() == "before"
    assert "results: the run did not end, so a.jsonl was not written" in done.stdout
    hil(*args, workers)
    assert len(read(tmp_path / "a.jsonl")) > 4


def test_other_tests_go_as_they_would(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """By file, as asked for; and nothing of ours is loaded, in no process."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):  # as the tests may run on a worker themselves
        monkeypatch.delenv(name, raising=False)
    pytester.makeconftest(SPY.replace("worker =", "import sys; assert 'numpy' not in sys.modules; worker ="))
    for name in ("test_latency", "test_b", "test_c"):
        body = "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n): pass"
        pytester.makepyfile(**{name: body})
    result = pytester.runpytest_subprocess("-n2", "--dist=loadfile", "--results=out.jsonl")
    result.assert_outcomes(passed=12)
    of = defaultdict(set)
    for line in (pytester.path / "order").read_text().splitlines():
        worker, test = line.split()
        of[test.partition("::")[0]].add(worker)
    assert sorted(map(len, of.values())) == [1, 1, 1]
    assert "reds-hil:" not in result.stdout.str()


def test_other_tests_of_the_same_session_run_too(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    body = "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_it(n): pass"
    (tmp_path / "test_mine.py").write_text(body)
    done = hil("test_mine.py", "--target=desktop", "--pack", small_pack, "-n2", env=spied(tmp_path))
    assert (done.returncode, outcomes(done.stdout)) == (
        0,
        {"passed": 18 + suite_size(small_pack), "skipped": 2},
    ), done.stdout
    lines = (tmp_path / "order").read_text().splitlines()
    assert {line.split()[0] for line in lines if "test_it" in line} == {"gw0", "gw1"}
    assert all("[desktop-" in line for line in lines[-11:])


KNOCKED = """
from hil.boards.targets import pi
def absent(entry):
    with open("knocks", "a") as file:
        file.write("knock\\n")
    return "it does not answer"
pi.absent = absent
"""
"""A plugin that keeps how often a board was asked whether it is here."""


def test_a_board_is_asked_once_whether_it_is_here(
    hil: Run, small_pack: Path, tmp_path: Path, boards_toml: Callable[..., Path]
) -> None:
    (tmp_path / "spy.py").write_text(KNOCKED)
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTEST_PLUGINS": "spy"}
    boards = boards_toml("pi", host="nowhere.invalid")
    done = hil("--boards", boards, "--pack", small_pack, "-n3", env=env)
    assert (done.returncode, outcomes(done.stdout)) == (0, {"skipped": suite_size(small_pack)}), done.stdout
    assert (tmp_path / "knocks").read_text() == "knock\n"


@pytest.mark.qemu("qemu-system-arm", "arm-none-eabi-gcc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_and_emulators_end_with_the_controlling_process(
    boards: Path, tmp_path: Path, number: int
) -> None:
    """Even workers whose tests never end, which execnet alone would leave running for five seconds more."""
    endless = "import signal\ndef test_a(board): signal.pause()\ndef test_b(board): pass\n"
    (tmp_path / "test_mine.py").write_text(endless)
    arguments = ("test_mine.py", "--emulate", "--target=nano33ble", "--boards", str(boards), "-n2")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "pytest", *arguments, *PLUGINS]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as controller:
        started = eventually(lambda: sum("qemu-system" in line for line in marked(str(temporary))) == 2)
        controller.send_signal(number)
        assert controller.wait(60) != 0
    assert started
    assert eventually(lambda: not marked(str(temporary)), seconds=4)
    assert eventually(lambda: not list(temporary.glob("reds-hil-*")))
