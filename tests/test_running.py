"""A test that takes its process along is named in a file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running import FOLDER

DYING = "import os\ndef test_that_passes(): pass\ndef test_that_dies(): os.abort()\n"
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "in a worker"])
def test_a_test_that_aborts_is_named_with_its_lines(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_dying.py").write_text(DYING, encoding="utf-8")
    options = ["-p", "tests.support.running", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", *workers]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_dying.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    (left,) = (tmp_path / FOLDER).iterdir()
    said = left.read_text(encoding="utf-8")
    assert said.startswith("died in test_dying.py::test_that_dies\n")
    assert "test_dying.py" in said.partition("Fatal Python error: Aborted")[2]


def test_nothing_is_left_of_a_run_that_ends(tmp_path: Path) -> None:
    (tmp_path / "test_living.py").write_text("def test_that_fails(): assert False\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.running", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, f"--rootdir={tmp_path}"], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert not [*(tmp_path / FOLDER).iterdir()]
