"""Chaos sees what it is for: a run that outlives its kill, or leaves files, is found; a tidy one is not."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import kills, sandbox
from tests.chaos.commands import Command
from tests.chaos.leftovers import MARK, living, tree, wait_gone

_WORKS = "import time; time.sleep(0.4)"
_LITTERS = (
    "import os, pathlib; litter = pathlib.Path(os.environ['TMPDIR'], str(os.getpid())); litter.touch(); "
)
_ONCE = "import pathlib; begun = pathlib.Path('begun'); begun.touch(exist_ok=False); "
_BREEDS = "import subprocess; subprocess.Popen(['sleep', '1.5'], start_new_session=True); "


def command(name: str, text: str) -> Command:
    return Command(name, (sys.executable, "-c", text), lambda box: None)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "GONE_SECONDS", 0.5)


def violations(of: Command, folder: Path, kills_at_most: int) -> tuple[str, ...]:
    """Return the violations of the first kill that has some."""
    for seed in range(kills_at_most):
        outcome = kills.kill("kill", of, False, ("controller",), random.Random(seed), folder / str(seed))
        if outcome.violations:
            return outcome.violations
    return ()


def test_a_tidy_run_has_no_violation(tmp_path: Path) -> None:
    assert violations(command("tidy", _WORKS), tmp_path, 4) == ()


def test_litter_of_a_killed_run_is_found(tmp_path: Path) -> None:
    found = violations(command("litters", f"{_LITTERS}{_WORKS}; litter.unlink()"), tmp_path, 20)
    assert any("left " in each and "temp/" in each for each in found)


def test_a_child_that_outlives_its_killed_run_is_found(tmp_path: Path) -> None:
    found = violations(command("breeds", _BREEDS + _WORKS), tmp_path, 20)
    assert any("processes lived on for " in each for each in found)


def test_a_next_run_that_fails_is_found(tmp_path: Path) -> None:
    text = f"{_ONCE}{_WORKS}; begun.unlink()"
    found = violations(command("never again", text), tmp_path, 20)
    assert any("a run that must pass ended with 1" in each for each in found)


@pytest.fixture
def grandchild(tmp_path: Path) -> Iterator[int]:
    """Return the id of a process in a session of its own, whose parent has ended."""
    text = "import subprocess as s; print(s.Popen(['sleep', '60'], start_new_session=True, stdout=2).pid)"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    env = {**os.environ, MARK: str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", text], env=env, check=True, **pipes)  # type: ignore[call-overload]
    yield int(done.stdout)
    wait_gone(tmp_path, 0)


def test_a_grandchild_is_found_by_its_mark_and_ended(grandchild: int, tmp_path: Path) -> None:
    assert living(tmp_path) == {grandchild: "sleep 60"}
    assert living(tmp_path / "other") == {}
    assert wait_gone(tmp_path, 0)[1] == {grandchild: "sleep 60"}
    assert wait_gone(tmp_path, 10)[1] == {}


def test_paths_are_the_same_for_other_hashes(tmp_path: Path) -> None:
    (tmp_path / "arm64-0123456789abcdef" / "pytest-of-me").mkdir(parents=True)
    (tmp_path / "arm64-0123456789abcdef" / "kept").touch()
    assert tree(tmp_path) == {"arm64-#", "arm64-#/kept"}
