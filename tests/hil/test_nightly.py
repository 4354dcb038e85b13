"""Test the nightly bench: it benches boards that answer, emulates the others, and reports both."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hil.support.lab import Lab, programs
from tests.hil.support.lab_boards import LabBoard
from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.suite_run import PLUGINS, read
from tests.support.forge_server import ForgeServer

ROOT = Path(__file__).parents[2]
Nightly = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout that uses the environment of this one."""
    folder = tmp_path / "project"
    (folder / "ci").mkdir(parents=True)
    for name in ("nightly", "summary", "message.py", "nights.py", "forges.py"):
        shutil.copy(ROOT / "ci" / name, folder / "ci" / name)
    (folder / "ci" / "bootstrap").write_text("#!/bin/sh\n")
    (folder / "ci" / "bootstrap").chmod(0o755)
    (folder / ".venv").symlink_to(sys.prefix)
    for name in ("hil", "reds"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def nightly(project: Path, small_pack: Path, tmp_path: Path) -> Nightly:
    def run(*targets: str, **environment: object) -> subprocess.CompletedProcess[str]:
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_", "GITHUB_"))}
        own = {
            "PYTEST_XDIST_AUTO_NUM_WORKERS": 1,
            "PYTEST_ADDOPTS": " ".join(PLUGINS),
            "XDG_DATA_HOME": tmp_path / "data",
            "PYTHONPATH": ROOT,
        }
        told = {"HIL_PACK": small_pack, "HIL_SAMPLES": 7, **own, **environment}
        command = [str(project / "ci" / "nightly"), *targets]
        env = {**ours, **{name: str(value) for name, value in told.items()}}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)

    return run


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_silent_board_is_emulated_and_the_summary_warns(
    project: Path,
    nightly: Nightly,
    boards_toml: Callable[..., Path],
    tmp_path: Path,
) -> None:
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    boards = boards_toml("nano33ble", port="/dev/ttyNOWHERE")
    done = nightly("desktop", "nano33ble", HIL_BOARDS=boards, GITHUB_STEP_SUMMARY=summary)
    assert done.returncode == 0, done.stdout + done.stderr
    said = summary.read_text()
    assert re.match(
        r"before\n# Nightly, desktop nano33ble: \d+ passed, \d+ skipped\n\n> \[!WARNING\]\n", said
    )
    assert "> **No hardware answered for board: these figures are of EMULATORS.**" in said
    assert "| nano33ble | board | emulated | board: port /dev/ttyNOWHERE does not exist" in said
    assert "| desktop | desktop | hardware |  |" in said
    assert "# Nightly" not in done.stdout
    kept = project / "results" / "nightly" / "desktop-nano33ble"
    names = ["bench.jsonl", "diff.md", "report", "status", "summary.md", "tests.xml"]
    assert sorted(file.name for file in kept.iterdir()) == names
    assert (kept / "status").read_text() == "0\n"
    assert (kept / "report" / "index.html").exists()
    assert "keeps no good run of" in (kept / "diff.md").read_text()
    assert {(row["board"], row["provenance"]) for row in read(kept / "bench.jsonl")} == {
        ("board", "emulated"),
        ("desktop", "hardware"),
    }


def test_board_that_answers_is_benched_as_hardware(
    project: Path,
    nightly: Nightly,
    boards_toml: Callable[..., Path],
) -> None:
    with PtyBoard(nano_agent()) as board:
        done = nightly("nano33ble", HIL_BOARDS=boards_toml("nano33ble", port=board.port))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"# Nightly, nano33ble: \d+ passed, \d+ skipped\n\n## What ran on what", done.stdout)
    assert "| nano33ble | board | hardware |  |" in done.stdout
    rows = read(project / "results" / "nightly" / "nano33ble" / "bench.jsonl")
    assert {row["provenance"] for row in rows} == {"hardware"}


def test_run_without_measurements_fails(nightly: Nightly, project: Path) -> None:
    (project / "results" / "nightly").mkdir(parents=True)
    (project / "results" / "nightly" / "bench.jsonl").write_text("yesterday's")
    done = nightly("desktop", HIL_BOARDS="none.toml")
    assert done.returncode != 0
    assert "# Nightly, desktop: NOTHING WAS MEASURED" in done.stdout
    assert "ERROR: none.toml: cannot read the boards" in done.stderr


def test_night_of_a_lab_without_the_board_is_bad(project: Path, nightly: Nightly) -> None:
    with Lab({}) as lab:
        done = nightly("nano33ble", HIL_LAB=lab.address, **lab.environment)
    assert done.returncode != 0
    assert (project / "results" / "nightly" / "nano33ble" / "status").read_text() != "0\n"


@pytest.mark.parametrize("name", ["..", "a/b", "-x"])
def test_night_whose_name_is_no_folder_of_its_own_removes_nothing(
    name: str, project: Path, nightly: Nightly
) -> None:
    kept = project / "results" / "kept"
    kept.mkdir(parents=True)
    done = nightly("desktop", NIGHT=name)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert kept.exists()


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_bad_night_is_compared_with_the_last_good_one_and_told(
    project: Path, nightly: Nightly, tmp_path: Path
) -> None:
    latencies = " ".join([*PLUGINS, "-k", "test_latency"])
    boards = tmp_path / "boards.toml"
    entry = '[[board]]\nname = "nano"\ntarget = "nano33ble"\nport = "/dev/ttyNOWHERE"\n'
    boards.write_text(entry)
    good = nightly("nano33ble", HIL_BOARDS=boards, PYTEST_ADDOPTS=latencies)
    assert good.returncode == 0, good.stdout + good.stderr
    kept = project / "results" / "nightly" / "nano33ble"
    run = json.loads((kept / "bench.jsonl").read_text().splitlines()[0])["run"]["id"]
    boards.write_text(f'{entry}latency_us = {{ "50%" = 0.5 }}\n')
    bad = nightly("nano33ble", HIL_BOARDS=boards, PYTEST_ADDOPTS=latencies)
    assert bad.returncode == 1
    assert (kept / "status").read_text() == "1\n"
    assert re.match(r"### Bench: \d+ equal\n", (kept / "diff.md").read_text())
    assert f"- Baseline: run `{run}`, " in bad.stdout
    with ForgeServer("github") as server:
        env = {**os.environ, **server.environment(1)}
        subprocess.run([str(project / "ci" / "message.py"), "nano33ble"], env=env, check=True)
        (issue,) = server.issues
    assert "- `test_latency[nano-emulated-50%]` failed: " in issue.body
    assert f"- Baseline: run `{run}`, " in issue.body


def test_night_takes_the_boards_of_a_lab_and_gives_them_back(project: Path, nightly: Nightly) -> None:
    if programs() is None:
        pytest.skip("labgrid is missing: run ci/bootstrap test")
    with LabBoard() as nano, Lab({"nano-1": {"board": "nano33ble"}}) as lab:
        lab.export("rack-1", {"nano-1": nano.resource})
        done = nightly("nano33ble", HIL_LAB=lab.address, NIGHT="boards", **lab.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (lab.owners(), lab.reservations()) == ({}, [])
    rows = read(project / "results" / "nightly" / "boards" / "bench.jsonl")
    assert {(row["board"], row["provenance"]) for row in rows} == {("nano-1", "hardware")}
