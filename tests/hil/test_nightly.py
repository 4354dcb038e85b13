"""Test the nightly bench: it benches boards that answer, emulates the others, and reports both."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hil.support.ptyboard import PtyBoard, nano_agent
from tests.hil.support.suite_run import read

ROOT = Path(__file__).parents[2]
Nightly = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout that uses the environment of this one."""
    folder = tmp_path / "project"
    (folder / "ci").mkdir(parents=True)
    for name in ("nightly", "summary"):
        shutil.copy(ROOT / "ci" / name, folder / "ci" / name)
    (folder / "ci" / "bootstrap").write_text("#!/bin/sh\n")
    (folder / "ci" / "bootstrap").chmod(0o755)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "hil").symlink_to(ROOT / "hil")
    return folder


@pytest.fixture
def nightly(project: Path, small_pack: Path) -> Nightly:
    def run(*targets: str, **environment: object) -> subprocess.CompletedProcess[str]:
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("HIL_", "PYTEST_", "GITHUB_"))}
        told = {"HIL_PACK": small_pack, "HIL_SAMPLES": 7, "PYTHONPATH": ROOT, **environment}
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
    kept = project / "results" / "nightly"
    assert sorted(file.name for file in kept.iterdir()) == ["bench.jsonl", "summary.md", "tests.xml"]
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
    rows = read(project / "results" / "nightly" / "bench.jsonl")
    assert {row["provenance"] for row in rows} == {"hardware"}


def test_run_without_measurements_fails(nightly: Nightly, project: Path) -> None:
    (project / "results" / "nightly").mkdir(parents=True)
    (project / "results" / "nightly" / "bench.jsonl").write_text("yesterday's")
    done = nightly("desktop", HIL_BOARDS="none.toml")
    assert done.returncode != 0
    assert "# Nightly, desktop: NOTHING WAS MEASURED" in done.stdout
    assert "ERROR: none.toml: cannot read the boards" in done.stderr
