"""The sources compile for all processors without a warning; `tests.targets.compilers` builds more."""

from pathlib import Path

import pytest

from tests.targets.compilers import failure
from tests.targets.support.machines import MACHINES

pytestmark = [
    pytest.mark.cross("clang", "arm-none-eabi-gcc", "aarch64-linux-gnu-gcc", "riscv64-unknown-elf-gcc")
]

BUILDS = [
    *(("clang", name) for name in ("x86-64", "aarch64", "cortex-m33", "rv32imac")),
    *(("gcc", name) for name in ("cortex-m0plus", "cortex-m55")),
]
"""Other tests compile for the other pairs, but not all files."""


@pytest.mark.parametrize(("compiler", "name"), BUILDS)
def test_every_file_compiles_for_every_processor(compiler: str, name: str, tmp_path: Path) -> None:
    assert failure(MACHINES[name], compiler, ["-fsyntax-only"], tmp_path, ".c") == ""


@pytest.mark.parametrize("name", ["cortex-m0plus", "cortex-m4"])
def test_clang_assembles_the_kernels(name: str, tmp_path: Path) -> None:
    assert failure(MACHINES[name], "clang", [], tmp_path, ".S") == ""
