"""The real suite, run as a user runs it, on agents that are good and agents that are not."""

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.firmware import build
from hil.plugin import QUARANTINED
from tests.hil.support import AGENTS
from tests.hil.support.suite_run import (
    BoardsToml,
    Run,
    failed_tests,
    one_line_of_errors,
    outcomes,
    read,
    suite_size,
    usage_error,
)

KEYS = {
    *("target", "board", "provenance", "pack", "pack_sha256", "pack_shape"),
    *("subnet", "metric", "unit", "value", "samples"),
}
ROOT = Path(__file__).parents[2]
PAIRS = {"50%->100%", "100%->50%"}


@pytest.fixture(scope="session")
def emulated_agents(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    return lambda name: build.agent("emulated", AGENTS / f"{name}.c")


def test_the_desktop_passes_and_every_figure_is_kept(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    args = ("--pack", small_pack, "--results", "deep/a.jsonl", "--junitxml=a.xml", "--samples=7", "-rs")
    done = hil("--target=desktop", *args)
    assert done.returncode == 0, done.stdout
    passed = suite_size(small_pack) - 2
    assert outcomes(done.stdout) == {"passed": passed, "skipped": 2}
    assert "no labeled examples for small: there is no card small.json beside the pack" in done.stdout
    assert "256 seeded random inputs (there is no card small.json beside the pack)" in done.stdout
    assert re.search(rf"^desktop, hardware: {passed} passed, 2 skipped$", done.stdout, re.MULTILINE)
    table = r"^100% +944 +[\d.]+ \([\d.]+\.\.[\d.]+\) +[\d.]+ +<= 40 ok"
    assert re.search(table, done.stdout, re.MULTILINE)

    rows = read(tmp_path / "deep/a.jsonl")
    assert all(KEYS <= row.keys() <= KEYS | {"conditions", "low", "high"} for row in rows)
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows if row["metric"] == "latency")
    assert {row["pack_sha256"] for row in rows} == {hashlib.sha256(small_pack.read_bytes()).hexdigest()}
    same = {(r["target"], r["board"], r["provenance"], r["pack"]) for r in rows}
    assert same == {("desktop", "desktop", "hardware", "small")}
    units = {row["metric"]: row["unit"] for row in rows}
    assert units == {
        "mismatches": "count",
        "macs": "MAC",
        "latency": "us",
        "switch": "us",
        "first_latency": "us",
        **{f"layer_{i:02}_dense": "us" for i in range(3)},
        **dict.fromkeys(("stack", "ram", "arena", "room_flash", "room_arena"), "bytes"),
    }
    for row in rows:
        assert set(row["subnet"].split("->")) <= {"50%", "100%"}
        if row["metric"] in ("switch", "first_latency"):
            assert row["subnet"] in PAIRS
            assert len(row["samples"]) == 7
        if row["metric"] == "switch":
            assert row["value"] == max(row["samples"])
        if row["metric"] == "mismatches":
            assert row["value"] == 0 and len(row["samples"]) == 256  # noqa: PT018

    cases = ET.parse(tmp_path / "a.xml").iter("testcase")
    noted = {p.get("name"): p.get("value") for case in cases for p in case.iter("property")}
    assert noted["provenance"] == "hardware"
    assert float(noted["100% latency [us]"] or "nan") > 0


def test_the_emulated_nano_gives_the_same_figures_twice(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        done = hil("--target=nano33ble", "--emulate", "--pack", small_pack, "--results", f"{name}.jsonl")
        assert done.returncode == 0, done.stdout
    rows = read(tmp_path / "a.jsonl")
    assert rows == read(tmp_path / "b.jsonl")
    assert {row["provenance"] for row in rows} == {"emulated"}
    units = {row["metric"]: row["unit"] for row in rows}
    assert units["cycles"] == units["switch_cycles"] == "cycles"
    assert units["instructions"] == units["switch_instructions"] == "instructions"
    by = {(row["metric"], row["subnet"]): row["value"] for row in rows}
    assert by["latency", "50%"] == by["cycles", "50%"] / 64
    assert [metric for metric, _ in by if metric.startswith("layer_00")] == [
        *["layer_00_dense_instructions", "layer_00_dense_cycles", "layer_00_dense_flash_words"] * 2
    ]
    assert by["ram", "100%"] - by["ram", "50%"] == 16, "bytes of arena"
    assert by["instructions", "50%"] < by["instructions", "100%"]
    assert by["switch_instructions", "50%->100%"] == by["switch_instructions", "100%->50%"]


@pytest.mark.parametrize(
    ("agent", "fails"),
    [
        pytest.param("slow", "test_switch", marks=pytest.mark.long),
        pytest.param("stumbling", "test_switch", marks=pytest.mark.long),
        ("lazy", "test_first_inference"),
    ],
)
def test_an_agent_that_switches_badly_fails_just_that(
    hil: Run,
    small_pack: Path,
    emulated_agents: Callable[[str], Path],
    boards_toml: BoardsToml,
    agent: str,
    fails: str,
) -> None:
    boards = boards_toml("nano33ble", agent=str(emulated_agents(agent)))
    done = hil("--emulate", "--boards", boards, "--pack", small_pack, "-rf")
    assert done.returncode == 1
    assert failed_tests(done.stdout) == {fails}, done.stdout
    assert outcomes(done.stdout) == {"failed": 2, "passed": suite_size(small_pack) - 4, "skipped": 2}


def test_an_agent_that_computes_wrongly_fails_conformance(
    hil: Run, small_pack: Path, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    boards = boards_toml("desktop", agent=str(build.agent("desktop", AGENTS / "wrong.c")))
    done = hil("--boards", boards, "--pack", small_pack, "--results", "a.jsonl")
    assert done.returncode == 1
    assert failed_tests(done.stdout) == {"test_outputs_equal_the_reference", "test_first_inference"}
    assert "50%: 256 of 256 outputs differ, the first on input 0: its value 0 is " in done.stdout
    assert {r["value"] for r in read(tmp_path / "a.jsonl") if r["metric"] == "mismatches"} == {256}


def test_a_board_that_is_slow_at_first_has_faster_small_subnets_all_the_same(
    hil: Run, small_pack: Path, boards_toml: BoardsToml
) -> None:
    boards = boards_toml("desktop", agent=str(build.agent("desktop", AGENTS / "warming.c")))
    done = hil("--boards", boards, "--pack", small_pack, "-k", "test_smaller_is_faster")
    assert outcomes(done.stdout) == {"passed": 1, "deselected": suite_size(small_pack) - 1}, done.stdout


def test_a_board_that_never_answers_is_given_up_after_two_starts(
    hil: Run, small_pack: Path, boards_toml: BoardsToml, script: Callable[[str], Path], tmp_path: Path
) -> None:
    mute = script("open('starts', 'a').write('x')\nsys.stdin.read()")
    done = hil("--boards", boards_toml("desktop", agent=mute.name), "--pack", small_pack, "-rs")
    assert done.returncode == QUARANTINED
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    error = one_line_of_errors(done.stdout).rstrip("\n")
    says = "board: quarantined for this run: no hello from agent agent.py within 5 s, twice; "
    assert error.startswith(says)
    assert f"not run: {error}\n" in done.stdout
    assert (tmp_path / "starts").read_text() == "xx"  # and not waited for in every test


def after_the_first_latency(folder: Path, what: str) -> dict[str, str]:
    """The environment of a run in which something happens once the first latency is measured."""
    hook = "def pytest_runtest_logfinish(nodeid):\n    if 'test_latency[' in nodeid: "
    (folder / "meddler.py").write_text(f"import os, shutil, signal\n{hook}{what}\n")
    return {"PYTHONPATH": str(folder), "PYTEST_PLUGINS": "meddler"}


def test_an_interrupted_run_keeps_the_results_of_before(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("before")
    # Where this runs in the background of a shell, a child ignores the signal unless it says otherwise.
    interrupt = (
        "signal.signal(signal.SIGINT, signal.default_int_handler); os.kill(os.getpid(), signal.SIGINT)"
    )
    env = after_the_first_latency(tmp_path, interrupt)
    done = hil("--target=desktop", "--pack", small_pack, "--results", "a.jsonl", env=env)
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "a.jsonl").read_text() == "before"
    assert "results: the run did not end, so a.jsonl was not written" in done.stdout
    assert re.search(r"^desktop, hardware: .*\n.*\n50%", done.stdout, re.MULTILINE)


def test_a_run_that_measures_nothing_keeps_the_results_of_before(
    hil: Run, small_pack: Path, boards_toml: BoardsToml, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text("before")
    boards = boards_toml("nano33ble", port="/dev/ttyNOWHERE")
    done = hil("--boards", boards, "--pack", small_pack, "--results", "a.jsonl")
    assert done.returncode == 0
    assert (tmp_path / "a.jsonl").read_text() == "before"
    assert "results: nothing was measured, so a.jsonl was not written" in done.stdout


def test_results_that_cannot_be_kept_are_shown_and_an_error(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    env = after_the_first_latency(tmp_path, "shutil.rmtree('deep', ignore_errors=True)")
    args = ("--pack", small_pack, "--results", "deep/a.jsonl", "-k", "test_latency")
    done = hil("--target=desktop", *args, env=env)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert outcomes(done.stdout) == {"passed": 3, "deselected": suite_size(small_pack) - 3}
    assert re.search(r"^desktop, hardware: .*\n(.*\n)*100%", done.stdout, re.MULTILINE)
    error = "^ERROR: deep/a.jsonl: cannot write the results: No such file or directory; run again with"
    assert re.search(error, done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_budget_that_does_not_hold_fails_the_latency(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    path = tmp_path / "boards.toml"
    budgets = '{ "50%" = 0.001, "100%" = 1e6 }'
    path.write_text(f'[[board]]\nname = "d"\ntarget = "desktop"\nlatency_us = {budgets}\n')
    done = hil("--boards", path, "--pack", small_pack, "--junitxml=a.xml")
    assert outcomes(done.stdout) == {"failed": 1, "passed": suite_size(small_pack) - 3, "skipped": 2}
    told = r"50%: the median is [\d.]+ us, over the budget in the boards file, 0.001 us"
    failure = done.stdout.partition("= FAILURES =")[2].partition("= reds-hil =")[0]
    assert re.fullmatch(rf"=+\n_+ \S+ _+\ntest_latency.py:\d+: {told}\n- .*\n=+", failure), failure
    assert re.search(r"^50% .* <= 0.001 FAILED", done.stdout, re.MULTILINE)
    failed = ET.parse(tmp_path / "a.xml").getroot().findall(".//failure")
    assert [bool(re.search(told, str(f.get("message")))) for f in failed] == [True]


def test_a_switch_limit_that_does_not_hold_fails_every_pair(hil: Run, small_pack: Path) -> None:
    done = hil("--target=nano33ble", "--emulate", "--pack", small_pack, "--switch-limit-us=0.01")
    assert failed_tests(done.stdout) == {"test_switch"}
    assert outcomes(done.stdout)["failed"] == 2
    assert "the limit is 0.01 us" in done.stdout


def test_a_named_board_that_is_not_here_fails_with_advice(hil: Run, small_pack: Path) -> None:
    done = hil("--target=nano33ble", "--pack", small_pack, env={"HIL_MISSING": "fail"})
    assert done.returncode == 1
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    advice = "nano33ble: no Arduino Nano 33 BLE on USB; plug it in, or add --emulate"
    assert advice in done.stdout
    done = hil("--target=nano33ble", "--pack", small_pack, "-k", "switch")
    assert done.returncode == 1
    assert advice in done.stdout


def test_an_unnamed_board_that_is_not_here_skips_with_its_reason(
    hil: Run, small_pack: Path, boards_toml: BoardsToml
) -> None:
    done = hil("--boards", boards_toml("nano33ble", port="/dev/ttyNOWHERE"), "--pack", small_pack)
    assert done.returncode == 0
    assert outcomes(done.stdout) == {"skipped": suite_size(small_pack)}
    reason = (
        r"^reds-hil: skipped: board: port /dev/ttyNOWHERE does not exist .*; plug it in, or add --emulate"
    )
    assert re.search(reason, done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[: len(data) // 2], "it is cut short or padded"),
        (lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:], "its checksum does not match"),
        (lambda data: b"", "0 bytes are too few for a header"),
        (lambda data: b"TFL3" + data[4:], "it begins with .*, not with REDS; name a .reds file"),
    ],
)
def test_a_bad_pack_is_one_line(
    hil: Run, small_pack: Path, tmp_path: Path, damage: Callable[[bytes], bytes], says: str
) -> None:
    path = tmp_path / "bad.reds"
    path.write_bytes(damage(small_pack.read_bytes()))
    usage_error(hil("--pack", path), rf"^ERROR: {path}: not a usable pack: {says}.*$")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (
            ["--pack", "none.reds"],
            "none.reds: cannot read the pack: No such file or directory",
        ),
        (["--target", "nano"], "there is no target 'nano'; did you mean nano33ble"),
        (
            ["--boards", "none.toml"],
            "none.toml: cannot read the boards: No such file or directory; copy .*boards.toml, or",
        ),
        (["--samples", "0"], "--samples is '0'; write"),
        (["--baseline", "none.jsonl"], "write auto, a run, or a file of --results that is there"),
        (["--precision", "1"], "--precision is '1'; write a percentage, as 1%"),
        (["--results", ""], "--results is empty"),
        (["--results", "/proc/nowhere/a.jsonl"], "/proc/nowhere/a.jsonl: cannot write the results"),
    ],
)
def test_what_cannot_be_set_up_is_one_line(hil: Run, args: list[str], says: str) -> None:
    usage_error(hil(*args), rf"^ERROR: .*{says}.*$")


DEFECT = """
from hil.suite import workload
def load(path):
    with open("loads", "a") as file:
        file.write("x")
    raise ZeroDivisionError("a defect")
workload.load = load
"""


def test_defect_met_while_a_pack_is_read_is_shown_once_for_all_modules(hil: Run, tmp_path: Path) -> None:
    (tmp_path / "defect.py").write_text(DEFECT)
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = hil("--target=desktop", "-p", "defect", "--tb=long", env=environment)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert len(re.findall("^E +ZeroDivisionError: a defect", done.stdout, re.MULTILINE)) == 1
    assert (tmp_path / "loads").read_text() == "x"
    done = hil("--target=desktop", "-p", "defect", env=environment)
    usage_error(
        done, "the run cannot be set up: .*parametrization.py:.*ZeroDivisionError: a defect; .*--tb=long"
    )
    assert (tmp_path / "loads").read_text() == "xx"


BROKEN = """
import pytest
from hil.boards.targets import desktop
from hil.boards.board import Board
def broken(*arguments, **named):
    raise ZeroDivisionError("a defect\\nof two lines")
if {in_start}:
    desktop.start = broken
else:
    Board.measure = broken
"""


@pytest.mark.parametrize("in_start", [True, False], ids=["start", "measurement"])
def test_defect_met_on_a_board_is_one_line_and_its_traceback_on_demand(
    hil: Run, small_pack: Path, tmp_path: Path, in_start: bool
) -> None:
    (tmp_path / "broken.py").write_text(BROKEN.format(in_start=in_start))
    run = ("--target=desktop", "--pack", small_pack, "-p", "broken", "-x")
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = hil(*run, env=environment)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    line = one_line_of_errors(done.stdout)
    assert re.search(
        r"a defect of reds-hil at hil/\S+:\d+: ZeroDivisionError: a defect\\nof two lines; ", line
    )
    assert re.search("^E +ZeroDivisionError", hil(*run, "--tb=long", env=environment).stdout, re.MULTILINE)


def test_without_a_compiler_the_board_is_an_error_of_one_line(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    nothing = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path)}
    done = hil("--target=desktop", "--pack", small_pack, env=nothing)
    assert done.returncode == 1
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    assert re.match(r"desktop: no (make|cc) .*; install \S+$", one_line_of_errors(done.stdout))


def test_a_board_that_does_not_start_leaves_the_others_their_tests(
    hil: Run, small_pack: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain.txt").touch()
    rows = [f'[[board]]\nname = "{name}"\ntarget = "desktop"\n' for name in ("bad", "good")]
    (tmp_path / "boards.toml").write_text(rows[0] + 'agent = "plain.txt"\n' + rows[1])
    done = hil("--boards", "boards.toml", "--pack", small_pack)
    assert done.returncode == QUARANTINED
    assert outcomes(done.stdout) == {
        "passed": suite_size(small_pack) - 2,
        "error": 1,
        "skipped": suite_size(small_pack) + 1,
    }
    assert "plain.txt: the agent does not start: Permission denied" in one_line_of_errors(done.stdout)


def test_a_port_that_cannot_be_opened_is_an_error_of_one_line(
    hil: Run, small_pack: Path, boards_toml: BoardsToml
) -> None:
    done = hil("--boards", boards_toml("nano33ble", port="/dev/null"), "--pack", small_pack)
    assert done.returncode == QUARANTINED
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    error = "board: quarantined for this run: port /dev/null is not a serial port, twice; name another"
    assert one_line_of_errors(done.stdout) == error


def test_without_qemu_the_board_is_an_error_of_one_line(
    hil: Run, small_pack: Path, boards_toml: BoardsToml
) -> None:
    boards = boards_toml("nano33ble", agent=str(build.agent("emulated")))
    done = hil("--emulate", "--boards", boards, "--pack", small_pack, env={"PATH": ""})
    assert done.returncode == 1
    assert outcomes(done.stdout) == {"error": 1, "skipped": suite_size(small_pack) - 1}
    assert re.match(r"board: no qemu-system-arm .*; install \S+$", one_line_of_errors(done.stdout))
