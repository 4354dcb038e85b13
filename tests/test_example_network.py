"""The example with a network and a test of one's own runs as its README says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "examples" / "own-network" / "README.md"
TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"missing here: {', '.join(MISSING)}")
def test_readme_leads_from_an_empty_folder_to_a_passing_test(tmp_path: Path) -> None:
    (commands,) = re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "REDS": str(ROOT)}
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    with_accuracy = r"^25% +[\d,]+ +\d+\.\d % "
    assert re.search(with_accuracy, done.stdout, re.MULTILINE)
