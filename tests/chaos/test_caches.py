"""Chaos of caches and files finds what breaks a command, and nothing else."""

import random
import sys
from pathlib import Path

import pytest

from tests.chaos import files, limited
from tests.chaos.caches import damaged
from tests.chaos.cases import Case
from tests.chaos.commands import Command

_FRAGILE = """
import os, pathlib
kept = pathlib.Path(os.environ["XDG_CACHE_HOME"], "kept", "file")
kept.parent.mkdir(exist_ok=True)
kept.exists() or kept.write_text("whole")
assert kept.read_text() == "whole"
"""
_ROBUST = """
import os, pathlib, stat, sys
cache = pathlib.Path(os.environ["XDG_CACHE_HOME"])
kept = cache / "kept" / "file"
try:
    kept.parent.mkdir(exist_ok=True)
    if not kept.is_symlink() and not os.path.lexists(kept):
        kept.write_text("whole")
    if not stat.S_ISREG(kept.lstat().st_mode) or kept.read_text() != "whole":
        raise OSError("damaged")
except (OSError, UnicodeDecodeError):
    sys.exit(f"Error: the cache is damaged; remove {cache}")
"""


def violations(text: str, folder: Path) -> list[tuple[str, ...]]:
    """Return the violations of each of 12 damages."""
    command = Command(f"reads {len(text)}", (sys.executable, "-c", text), lambda box: None)
    return [damaged("c", command, random.Random(i), folder / str(i)).violations for i in range(12)]


def test_a_command_that_breaks_on_a_damaged_cache_is_found(tmp_path: Path) -> None:
    found = violations(_FRAGILE, tmp_path)
    assert sum(any("traceback" in each for each in those) for those in found) > 6


def test_a_command_that_names_the_remedy_has_no_violation(tmp_path: Path) -> None:
    assert violations(_ROBUST, tmp_path) == [()] * 12


def test_a_hang_and_the_memory_of_a_command_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "SECONDS", 3.0)
    (tmp_path / "test_hangs.py").write_text("def test_it():\n    while True: pass\n")
    (tmp_path / "test_eats.py").write_text("def test_it():\n    b'x' * (400 << 20)\n")
    plain = ("-q", "-p", "no:cacheprovider")
    hung = limited.run("pytest", (*plain, "test_hangs.py"), tmp_path)
    assert (hung.status, hung.memory) == (None, 0)
    assert 3.0 <= hung.seconds < 30
    monkeypatch.setattr(limited, "SECONDS", 60.0)
    assert limited.run("pytest", (*plain, "test_eats.py"), tmp_path).memory > 400 << 20


def test_a_wrong_exit_is_judged_by_what_the_user_reads(tmp_path: Path) -> None:
    def absent(rng: random.Random, folder: Path) -> Case:
        return Case("absent pack", "reds", ("inspect", "none.reds"))

    outcome = files.hostile("file", absent, random.Random(0), tmp_path)
    assert (outcome.verdict, outcome.violations) == ("refused", ())
