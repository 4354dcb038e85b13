"""A board that is lost is recovered once and then quarantined: an error of the bench, never a regression."""

import os
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hil.boards import lease, opening
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.power_cycle import power_cycle
from hil.boards.recovery import Record, RecoverableBoard
from hil.errors import BoardBusy, BoardQuarantined, BoardsFileError, InputsRefused, LinkError
from hil.firmware import build
from hil.plugin import QUARANTINED
from reds.pack.model import Model
from tests.hil.support import AGENTS
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.raising import raises
from tests.hil.support.sshd import wait_gone
from tests.hil.support.suite_run import (
    BoardsToml,
    Run,
    one_line_of_errors,
    outcomes,
    read,
    run_pytest,
    suite_size,
)
from tests.support.nets import inputs

MEASURES = """
def test_it(board, pack, record_measurement):
    board.deploy(pack)
    board.select("100%")
    for _ in range(TIMES):
        out = board.infer(X)
    assert (out == pack.run(X, subnet="100%")).all()

import numpy as np
X = np.ones((2, 20), np.int8)
TIMES = 60
"""
"""A user's test. The agent `vanishing` ends after 50 of these inferences."""

Script = Callable[..., Path]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Write a shell script."""

    def write(text: str, name: str = "agent.sh") -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def once(tmp_path: Path, script: Script, posix_agent: Path) -> Callable[[str], str]:
    """Write an agent that is of this faulty kind at its first start, and good at every later one."""

    def write(faulty: str) -> str:
        bad = build.agent("desktop", AGENTS / f"{faulty}.c")
        return script(f"mkdir {tmp_path}/started 2>/dev/null && exec {bad}\nexec {posix_agent}").name

    return write


def properties(file: Path, name: str) -> list[str]:
    """Return the values of a property in a JUnit file."""
    return [p.get("value", "") for p in ET.parse(file).iter("property") if p.get("name") == name]


def incidents(file: Path) -> list[int]:
    return [row["value"] for row in read(file) if row["metric"] == "infrastructure_errors"]


@pytest.mark.parametrize(
    ("faulty", "lost"), [("vanishing", "ended by itself with exit status 3"), ("stuck", "no answer to INFER")]
)
def test_board_that_fails_once_is_restarted_and_every_test_passes(
    hil: Run,
    small_pack: Path,
    boards_toml: BoardsToml,
    once: Callable[[str], str],
    tmp_path: Path,
    faulty: str,
    lost: str,
) -> None:
    boards = boards_toml("desktop", agent=once(faulty))
    done = hil("--boards", boards, "--pack", small_pack, "--results=a.jsonl", "--junitxml=a.xml")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"passed": suite_size(small_pack) - 2, "skipped": 2}
    assert re.findall(r"^board: .*; trying once more after a restart$", done.stderr, re.MULTILINE)
    (said,) = re.findall(r"^recovered: (.*)$", done.stdout, re.MULTILINE)
    assert lost in said
    assert said.endswith("; it works after a restart")
    assert properties(tmp_path / "a.xml", "recovered") == [said]
    assert incidents(tmp_path / "a.jsonl") == [1]
    assert {r["value"] for r in read(tmp_path / "a.jsonl") if r["metric"] == "mismatches"} == {0}


def test_agent_that_answers_again_is_reset_and_its_late_answer_is_dropped(
    hil: Run, small_pack: Path, boards_toml: BoardsToml
) -> None:
    boards = boards_toml("desktop", agent=str(build.agent("desktop", AGENTS / "dozing.c")))
    done = hil("--boards", boards, "--pack", small_pack)
    assert done.returncode == 0, done.stdout
    assert "recovered: board: no answer to INFER within " in done.stdout
    assert "; it works after a reset of its agent\n" in done.stdout


def test_board_that_fails_twice_is_quarantined_and_nothing_else(
    hil: Run, small_pack: Path, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    boards = boards_toml("desktop", agent=str(build.agent("desktop", AGENTS / "vanishing.c")))
    done = hil("--boards", boards, "--pack", small_pack, "--junitxml=a.xml")
    assert done.returncode == QUARANTINED
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    error = one_line_of_errors(done.stdout)
    assert error.startswith("board: quarantined for this run: agent agent-desktop")
    assert error.endswith("with exit status 3, once more after a restart; run it by hand to see why")
    assert f"ERROR: {error}\n" in done.stdout
    assert set(properties(tmp_path / "a.xml", "quarantined")) == {error}
    suite = ET.parse(tmp_path / "a.xml").find("testsuite")
    assert suite is not None
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_failed_gate_of_another_board_is_told_apart_from_a_quarantine(
    hil: Run, small_pack: Path, tmp_path: Path, workers: str
) -> None:
    bad = build.agent("desktop", AGENTS / "vanishing.c")
    rows = [
        f'[[board]]\nname = "{n}"\ntarget = "desktop"\n{a}'
        for n, a in (("bad", f'agent = "{bad}"\n'), ("good", ""))
    ]
    (tmp_path / "boards.toml").write_text("".join(rows))
    args = ("--boards=boards.toml", "--pack", small_pack, "--results=a.jsonl", workers)
    done = hil(*args)
    assert done.returncode == QUARANTINED, done.stdout
    size = suite_size(small_pack)
    assert outcomes(done.stdout) == {"passed": size - 2, "error": 1, "skipped": size + 1}
    assert incidents(tmp_path / "a.jsonl") == [2]
    if workers == "-n0":
        done = hil(*args, "--switch-limit-us=1e-9", "-k", "good or conformance")
        assert done.returncode == pytest.ExitCode.TESTS_FAILED
        assert {"failed": 2, "error": 1}.items() <= outcomes(done.stdout).items()


def test_lost_board_in_a_users_test_is_recovered_with_its_pack_and_subnet(
    small_pack: Path, boards_toml: BoardsToml, once: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "test_mine.py").write_text(MEASURES)
    args = ("test_mine.py", "--boards", boards_toml("desktop", agent=once("vanishing")), "--pack", small_pack)
    done = run_pytest(tmp_path, *args)
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout
    assert "; it works after a restart\n" in done.stdout


def test_quarantine_in_the_body_of_a_users_test_is_an_error_and_no_failure(
    small_pack: Path, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    (tmp_path / "test_mine.py").write_text(MEASURES.replace("60", "120"))
    boards = boards_toml("desktop", agent=str(build.agent("desktop", AGENTS / "vanishing.c")))
    done = run_pytest(tmp_path, "test_mine.py", "--boards", boards, "--pack", small_pack, "--junitxml=a.xml")
    assert (done.returncode, outcomes(done.stdout)) == (QUARANTINED, {"error": 1}), done.stdout
    suite = ET.parse(tmp_path / "a.xml").find("testsuite")
    assert suite is not None
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")


ENDS = {
    "passes": "def test_it(board, pack):\n    with suppress(Exception): lose(board, pack)",
    "fails by another error": "def test_it(board, pack):\n    try: lose(board, pack)\n"
    "    except Exception: assert False",
    "is expected to fail": "@pytest.mark.xfail\ndef test_it(board, pack): lose(board, pack)",
    "goes on after subtests": "def test_it(board, pack, subtests):\n    for i in range(3):\n"
    "        with subtests.test(i=i): lose(board, pack)",
    "fails in its fixtures": "@pytest.fixture\ndef late(board):\n    yield\n    board.infer(X)\n"
    "def test_it(late, board, pack): lose(board, pack)",
}
"""Users' tests that lose their board, by what they make of it."""
LOSE = """
import numpy as np, pytest
from contextlib import suppress
X = np.ones((2, 20), np.int8)
def lose(board, pack):
    board.deploy(pack)
    for _ in range(120):
        board.infer(X)
"""


@pytest.mark.parametrize("end", ENDS)
def test_quarantine_is_one_error_whatever_a_users_test_makes_of_it(
    small_pack: Path, boards_toml: BoardsToml, tmp_path: Path, end: str
) -> None:
    (tmp_path / "test_mine.py").write_text(LOSE + ENDS[end])
    (tmp_path / "test_other.py").write_text("def test_other(): assert False")
    boards = boards_toml("desktop", agent=str(build.agent("desktop", AGENTS / "vanishing.c")))
    args = ("--boards", boards, "--pack", small_pack, "--junitxml=a.xml")
    done = run_pytest(tmp_path, "test_mine.py", *args)
    counts = outcomes(done.stdout)
    assert (done.returncode, counts.get("error"), counts.get("failed")) == (QUARANTINED, 1, None), done.stdout
    assert "quarantined for this run: " in one_line_of_errors(done.stdout)
    suite = ET.parse(tmp_path / "a.xml").find("testsuite")
    assert suite is not None
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")
    assert run_pytest(tmp_path, *args).returncode == pytest.ExitCode.TESTS_FAILED  # of the other test


KILLS_QEMU = """
import os, signal
from pathlib import Path

def test_it(board, pack):
    board.deploy(pack)
    before = board.measure("100%", n=5)
    tasks = Path("/proc/self/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text().split()]
    (qemu,) = [pid for pid in children if "qemu" in Path(f"/proc/{pid}/comm").read_text()]
    os.kill(int(qemu), signal.SIGKILL)
    assert board.measure("100%", n=5).ticks == before.ticks
"""


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulator_that_is_killed_is_started_again_and_counts_the_same(
    small_pack: Path, tmp_path: Path
) -> None:
    (tmp_path / "test_mine.py").write_text(KILLS_QEMU)
    done = run_pytest(tmp_path, "test_mine.py", "--target=nano33ble", "--emulate", "--pack", small_pack)
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout
    assert re.search(r"^recovered: nano33ble: .*; it works after a restart$", done.stdout, re.MULTILINE)


def test_board_that_does_not_come_back_is_power_cycled(
    hil: Run,
    small_pack: Path,
    boards_toml: Callable[..., Path],
    script: Script,
    posix_agent: Path,
    tmp_path: Path,
) -> None:
    agent = script(f"[ -e {tmp_path}/power ] || exit 1\nexec {posix_agent}")
    switch = script(f'[ "$*" = "port 2" ] && touch {tmp_path}/power', "switch.sh")
    boards = boards_toml("desktop", agent=agent.name, power_cycle=[str(switch), "port", "2"])
    done = hil("--boards", boards, "--pack", small_pack)
    assert done.returncode == 0, done.stdout
    assert "board: it does not come back; running its power_cycle command\n" in done.stderr
    assert "; it works after a power cycle\n" in done.stdout


def test_board_whose_power_cycle_fails_is_quarantined(
    hil: Run, small_pack: Path, boards_toml: Callable[..., Path], script: Script
) -> None:
    boards = boards_toml("desktop", agent=script("exit 1").name, power_cycle=["false"])
    done = hil("--boards", boards, "--pack", small_pack)
    assert done.returncode == QUARANTINED
    error = one_line_of_errors(done.stdout)
    assert "its `power_cycle` command false ended with exit status 1, so it did not recover from: " in error


@pytest.mark.parametrize("command", [["false"], ["/nowhere/switch"], ["sleep", "60"]])
def test_power_cycle_command_that_fails_names_its_key(command: list[str]) -> None:
    entry = Entry("left", "nano33ble", power_cycle=tuple(command))
    with raises(BoardsFileError, board="left", key="power_cycle"):
        power_cycle(entry, seconds=0.2)


def test_power_cycle_command_leaves_no_process_and_meets_no_shell(script: Script, tmp_path: Path) -> None:
    slow = script(f"sleep 60 & echo $! >{tmp_path}/pid; wait", "slow.sh")
    with raises(BoardsFileError):
        power_cycle(Entry("left", "nano33ble", power_cycle=(str(slow),)), seconds=1.0)
    child = int((tmp_path / "pid").read_text())
    assert wait_gone([child])
    power_cycle(Entry("left", "nano33ble", power_cycle=("true", f"; touch {tmp_path}/shell", "$(touch x)")))
    assert not (tmp_path / "shell").exists()


@pytest.fixture
def failing() -> Callable[[Board], int]:
    """Work that loses the board at its first call, and counts its calls."""
    calls = []

    def work(board: Board) -> int:
        calls.append(board)
        if len(calls) == 1:
            raise LinkError("the cable is out; plug it in", board=board.name)
        return len(calls)

    return work


def recoverable(entry: Entry, record: Record, said: list[str]) -> RecoverableBoard:
    return RecoverableBoard(entry, Provenance.HARDWARE, record, said.append, said.append)


def test_lease_is_kept_while_a_board_is_recovered(small: Model, failing: Callable[[Board], int]) -> None:
    with PtyBoard(nano_agent()) as there:
        entry, said = Entry("left", "nano33ble", port=there.port), list[str]()

        def work(board: Board) -> int:
            done = failing(board)
            with raises(BoardBusy, board="left"), lease.held("left", there.port, 0, print):
                pass
            return done

        with opening.leased(entry, Provenance.HARDWARE), recoverable(entry, Record(), said) as board:
            assert board.do(work) == 2
    assert said[-1] == "left: the cable is out; it works after a reset of its agent"


def test_second_error_of_a_run_quarantines_whenever_it_comes(small: Model) -> None:
    entry, record, said = Entry("desk", "desktop"), Record(), list[str]()

    with recoverable(entry, record, said) as board:
        board.deploy(small)
        with raises(InputsRefused, board="desk"):  # a refusal is no infrastructure error
            board.do(lambda it: it.infer(np.zeros((1, 3), np.int8)))
        assert record == Record()
        kill(board)
        assert len(board.do(lambda it: it.infer(inputs(small, 3)))) == 3
    with recoverable(entry, record, said) as board:  # opened anew in the same run
        board.deploy(small)
        kill(board)
        with raises(BoardQuarantined, board="desk") as first:
            board.do(lambda it: it.infer(inputs(small, 3)))
        with raises(BoardQuarantined) as again:
            board.do(Board.facts)
        assert again.value is first.value
        assert board.facts().name == "desk"
    assert len(said) == 2
    assert record.quarantined is first.value


def kill(board: RecoverableBoard) -> None:
    """End the agent of a desktop, as a crash of it would."""
    board.do(lambda it: it._agent.transport._process.kill())  # type: ignore[attr-defined]


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_emulator_that_ends_while_it_starts_is_started_again(
    small_pack: Path, tmp_path: Path, script: Script
) -> None:
    real = shutil.which("qemu-system-arm")
    fails = f'case "$*" in *-kernel*) mkdir {tmp_path}/started 2>/dev/null && exit 1;; esac'
    folder = script(f'{fails}\nexec {real} "$@"', "qemu-system-arm").parent
    (tmp_path / "test_mine.py").write_text("def test_it(board, pack): board.deploy(pack)")
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    args = ("test_mine.py", "--target=nano33ble", "--emulate", "--pack", small_pack)
    done = run_pytest(tmp_path, *args, env=env)
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout
    assert "recovered: nano33ble: qemu-system-arm did not start" in done.stdout
