"""The programs of the page on one's own test run on the emulated Nano, with the shipped pack."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reds.fixtures import fixtures_dir

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "test.md"
MISSING = [tool for tool in ("arm-none-eabi-gcc", "qemu-system-arm") if shutil.which(tool) is None]
needs_emulator = pytest.mark.skipif(bool(MISSING), reason=f"missing here: {', '.join(MISSING)}")


def program(name: str) -> str:
    """The code block of the page that is marked with a name."""
    marked = rf'^```python {{test="{name}"}}\n(.*?)^```'
    (found,) = re.findall(marked, PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


@needs_emulator
def test_own_test_passes_and_its_figure_is_in_the_summary(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(program("mine"))
    options = ["--target=nano33ble", "--emulate", f"--pack={fixtures_dir() / 'kws-dnn-s.reds'}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "test_mine.py", *options],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^nano33ble, emulated: 1 passed\n.*\n25% ", done.stdout, re.MULTILINE)


@needs_emulator
def test_program_without_pytest_gives_the_outputs_of_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(fixtures_dir() / "kws-dnn-s.reds", tmp_path / "mine.reds")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {"x": np.random.default_rng(0).integers(-127, 128, (3, 250)).astype(np.int8)}
    exec(program("board"), scope)
    assert np.array_equal(scope["outputs"], scope["pack"].run(scope["x"], subnet="100%"))
