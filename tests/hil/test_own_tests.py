"""A user's own tests in a folder of their own get boards, leases, provenance, results and the summary."""

import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.firmware import build
from reds import pack
from tests.hil.support import AGENTS
from tests.hil.support.suite_run import (
    BoardsToml,
    Run,
    failed_tests,
    one_line_of_errors,
    outcomes,
    read,
    run_pytest,
    usage_error,
)
from tests.support.nets import dense_model

Own = Callable[..., subprocess.CompletedProcess[str]]
"""Writes a test module and runs it, with options."""

ROOT = Path(__file__).parents[2]
SNIPPET = """
def test_mine(board, pack):
    board.deploy(pack)
    samples = board.measure("50%", n=20)
    assert samples.median < 2000
"""
FOUR = """
def test_passes(board, pack):
    board.deploy(pack)
    assert board.measure("50%", n=4).unit == "us"

def test_limit_fails(board):
    board.deploy(board.pack)
    assert board.measure("100%", n=3).median < 0

def test_each_subnet(board, pack, subnet, record_measurement):
    board.deploy(pack)
    board.select(subnet)
    record_measurement(subnet, "energy", "uJ", 2.5, [2, 3])

def test_without_board():
    pass
"""


@pytest.fixture
def own(tmp_path: Path, small_pack: Path) -> Own:
    """Runs a test module in an empty folder, with the small pack."""

    def run(text: str, *args: object) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_mine.py").write_text(text)
        return run_pytest(tmp_path, "test_mine.py", "--pack", small_pack, *args)

    return run


def test_snippet_of_the_documentation_gets_results_summary_and_provenance(own: Own, tmp_path: Path) -> None:
    done = own(SNIPPET, "--target=nano33ble", "--emulate", "--results=a.jsonl", "--junitxml=a.xml")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout
    assert "reds-hil: small on nano33ble (emulated)" in done.stdout
    assert re.search(r"^nano33ble, emulated: .*\n.*\n50% ", done.stdout, re.MULTILINE)
    (row,) = read(tmp_path / "a.jsonl")
    assert (row["metric"], row["unit"], row["subnet"], row["provenance"]) == (
        "latency",
        "us",
        "50%",
        "emulated",
    )
    assert (row["pack"], len(row["samples"]), row.get("conditions")) == ("small", 20, None)
    noted = {p.get("name"): p.get("value") for p in ET.parse(tmp_path / "a.xml").iter("property")}
    assert (noted["board"], noted["provenance"]) == ("nano33ble", "emulated")
    assert float(noted["50% latency [us]"] or "nan") == row["value"]


def test_limit_that_does_not_hold_fails_that_test_only(own: Own, tmp_path: Path) -> None:
    done = own(FOUR, "--target=desktop", "--results=a.jsonl")
    assert outcomes(done.stdout) == {"failed": 1, "passed": 4}, done.stdout
    assert failed_tests(done.stdout) == {"test_limit_fails"}
    kept = [(row["subnet"], row["metric"]) for row in read(tmp_path / "a.jsonl")]
    assert kept == [("50%", "latency"), ("100%", "latency"), ("50%", "energy"), ("100%", "energy")]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_each_test_runs_on_each_board_and_one_worker_has_a_board(
    own: Own, tmp_path: Path, workers: str
) -> None:
    rows = [f'[[board]]\nname = "{name}"\ntarget = "nano33ble"\n' for name in ("left", "right")]
    (tmp_path / "boards.toml").write_text("".join(rows))
    done = own(FOUR, "--emulate", "--boards=boards.toml", "--results=a.jsonl", workers)
    assert outcomes(done.stdout) == {"failed": 2, "passed": 7}, done.stdout
    assert done.stdout.count("reds-hil: small on left (emulated), right (emulated)") == 1
    kept = [(row["board"], row["subnet"], row["metric"]) for row in read(tmp_path / "a.jsonl")]
    assert len(kept) == 8
    assert {board for board, *_ in kept} == {"left", "right"}


def test_absent_board_that_is_named_is_one_error_and_others_skip(own: Own, boards_toml: BoardsToml) -> None:
    boards = boards_toml("nano33ble", port="/dev/ttyNOWHERE")
    done = own(FOUR, "--target=nano33ble", "--boards", boards)
    assert outcomes(done.stdout) == {"error": 1, "passed": 1, "skipped": 3}, done.stdout
    assert "board: port /dev/ttyNOWHERE does not exist" in done.stdout
    assert "Traceback" not in done.stdout
    done = own(FOUR, "--boards", boards)
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1, "skipped": 4}), done.stdout
    done = own(SNIPPET, "--boards", boards, "--missing=emulate")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout


def test_board_that_is_lost_in_the_middle_is_said_once_with_the_line(
    own: Own, boards_toml: BoardsToml
) -> None:
    boards = boards_toml("desktop", agent=str(build.agent("desktop", AGENTS / "vanishing.c")))
    loses = "def test_loses(board, pack):\n    board.deploy(pack)\n    board.measure(0, n=200)\n"
    done = own(loses + FOUR, "--boards", boards)
    assert outcomes(done.stdout) == {"error": 1, "skipped": 4, "passed": 1}, done.stdout
    assert re.search(r"^test_mine.py:\d+: board: quarantined for this run: ", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout


def test_exception_of_a_test_itself_keeps_its_traceback(own: Own) -> None:
    divides = "def test_divides(board, pack):\n    board.deploy(pack)\n    1 / 0\n"
    calls = "def test_calls(board):\n    board.measure_switch(None, object())\n"
    done = own(divides + calls, "--target=desktop")
    assert outcomes(done.stdout) == {"failed": 2}, done.stdout
    assert "E       ZeroDivisionError" in done.stdout


COUNTED = """
from hil.boards.conditioning import Conditioner
read = Conditioner.conditions
def conditions(self):
    with open("reads", "a") as file:
        file.write("x")
    return read(self)
Conditioner.conditions = conditions
"""
"""A plugin that keeps how often the conditions of a board were read."""
LOOP = """
def test_loop(board, pack):
    board.deploy(pack)
    for _ in range(20):
        board.measure_switch("50%", "100%", n=3)
    assert {ending}
"""


@pytest.mark.parametrize("ending", ["True", "False"])
def test_conditions_are_read_at_the_start_and_once_after_a_test_that_measured(
    tmp_path: Path, small_pack: Path, ending: str
) -> None:
    (tmp_path / "counted.py").write_text(COUNTED)
    (tmp_path / "test_mine.py").write_text(LOOP.replace("{ending}", ending))
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    args = ("--target=desktop", "--pack", small_pack, "--results=a.jsonl", "-p", "counted")
    run_pytest(tmp_path, "test_mine.py", *args, env=env)
    assert (tmp_path / "reads").read_text() == "xx"
    rows = read(tmp_path / "a.jsonl")
    assert len(rows) == 20
    assert all(row["conditions"]["after"]["machine"] for row in rows)


def test_suite_reads_the_conditions_once_for_each_group_of_figures(
    hil: Run, tmp_path: Path, small_pack: Path
) -> None:
    """At the start, after the outputs and the latencies, and for each of two subnets thrice more.

    That is after the switches to it, after its layers and after its memory.
    """
    (tmp_path / "counted.py").write_text(COUNTED)
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    hil("--target=desktop", "--pack", small_pack, "-p", "counted", env=env)
    assert (tmp_path / "reads").read_text() == "x" * 9


def test_emulator_that_is_missing_is_one_error_before_any_test_runs(
    tmp_path: Path, small_pack: Path, boards_toml: BoardsToml
) -> None:
    (tmp_path / "test_mine.py").write_text(FOUR)
    boards = boards_toml("nano33ble", agent=str(build.agent("emulated")))
    args = ("test_mine.py", "--emulate", "--boards", boards, "--pack", small_pack)
    done = run_pytest(tmp_path, *args, env={"PATH": ""})
    assert outcomes(done.stdout) == {"error": 1, "passed": 1, "skipped": 3}, done.stdout
    assert one_line_of_errors(done.stdout).startswith("board: no qemu-system-arm on this machine")


def test_run_that_cannot_be_set_up_is_one_line(own: Own) -> None:
    for workers in ("-n0", "-n2"):
        usage_error(
            own(SNIPPET, "--target=nano", workers), r"^ERROR: there is no target 'nano'; did you mean"
        )


def test_pack_needs_no_board(own: Own, tmp_path: Path) -> None:
    done = own("def test_it(pack, subnet): assert pack.subnets[subnet].macs > 0")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 2}), done.stdout
    (tmp_path / "bad.reds").write_bytes(b"none")
    done = own("def test_it(pack): pass", "--pack=bad.reds")
    assert outcomes(done.stdout) == {"error": 1}
    assert one_line_of_errors(done.stdout).startswith("bad.reds: not a usable pack: ")


def test_fixtures_of_the_same_names_and_parametrized_subnets_are_the_users_own(own: Own) -> None:
    text = """
import pytest

@pytest.fixture(params=[1, 2])
def board(request): return request.param

@pytest.fixture
def pack(): return "mine"

@pytest.mark.parametrize("subnet", ["a", "b"])
def test_it(board, pack, subnet):
    import sys
    assert (board in (1, 2), pack, subnet in "ab") == (True, "mine", True)
    assert "numpy" not in sys.modules
"""
    done = own(text, "--target=nowhere")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 4}), done.stdout


def test_subnets_of_a_users_choice_run_on_each_board(own: Own) -> None:
    text = """
import pytest

@pytest.mark.parametrize("subnet", ["100%"])
def test_it(board, pack, subnet):
    board.deploy(pack)
    board.select(subnet)
"""
    done = own(text, "--target=desktop", "-v")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout
    assert "test_it[desktop-hardware-100%]" in done.stdout


def test_suite_and_own_tests_share_a_board_whichever_pack_was_deployed_last(
    tmp_path: Path, small_pack: Path
) -> None:
    other = dense_model([20, 24, 16, 5], [[24, 16, 5]], name="other")
    pack.save(other, tmp_path / "other.reds")
    (tmp_path / "test_mine.py").write_text("def test_other(board): board.deploy('other.reds')\n")
    files = ["hil.suite.test_latency", "test_mine.py", "hil.suite.test_conformance", "hil.suite.test_switch"]
    args = ("--pack", small_pack, "--target=desktop", "--results=a.jsonl")
    done = run_pytest(tmp_path, "--pyargs", *files, *args)
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 10}), done.stdout
    assert {row["pack"] for row in read(tmp_path / "a.jsonl")} == {"small"}


def test_fixtures_are_listed_with_their_documentation(tmp_path: Path) -> None:
    text = run_pytest(tmp_path, "--fixtures").stdout
    for name in ("board", "pack", "subnet", "record_measurement"):
        (said,) = re.findall(
            rf"^{name}.* -- .*hil/suite/fixtures.py:\d+\n((?:    .*\n)+)", text, re.MULTILINE
        )
        assert "no docstring" not in said


def test_session_that_uses_no_fixture_loads_nothing(tmp_path: Path) -> None:
    text = (
        "import sys\ndef test_it(): assert not {'numpy', 'cobs', 'serial', 'reds', 'rich'} & set(sys.modules)"
    )
    (tmp_path / "test_mine.py").write_text(text)
    done = run_pytest(tmp_path, "test_mine.py", "--target=nowhere")
    assert (done.returncode, outcomes(done.stdout)) == (0, {"passed": 1}), done.stdout
