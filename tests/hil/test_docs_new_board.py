"""The board of the page on one's own board is benched from a package that is not part of this project."""

import os
import re
import shutil
from pathlib import Path

import pytest

from hil.boards.registry import GROUP
from hil.firmware import build
from tests.hil.support.suite_run import run_pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "new-board.md"


@pytest.mark.cross("riscv64-unknown-elf-gcc")
@pytest.mark.qemu("qemu-system-riscv32")
def test_board_of_another_package_is_benched(tmp_path: Path, small_pack: Path) -> None:
    (module,) = re.findall(
        r'^```python {test="board"}\n(.*?)^```', PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    package = tmp_path / "my_package"
    shutil.copytree(build.targets_dir() / "rv32", package / "mine")
    (package / "__init__.py").touch()
    (package / "my_board.py").write_text(module)
    about = tmp_path / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\nmine = my_package.my_board\n")
    done = run_pytest(
        tmp_path, "--pyargs", "hil", "--target=mine", "--emulate", "--pack", small_pack,
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mine, emulated: " in done.stdout
