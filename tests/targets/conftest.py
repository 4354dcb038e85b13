"""C programs of the tests, compiled once a session: with sanitizers, warnings as errors."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TARGETS = HERE.parents[1] / "targets"
RUNTIME = [*sorted((TARGETS / "runtime").glob("*.c")), TARGETS / "runtime/kernels/families.c"]
RUNTIME += sorted((TARGETS / "runtime/kernels/portable").glob("*.c"))
NEON = sorted((TARGETS / "runtime/kernels/neon").glob("*.c"))
AGENT = sorted((TARGETS / "agent").glob("*.c"))
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compile test sources with the runtime (and the agent) into a sanitized program."""
    cc = shutil.which("cc")
    if cc is None:
        pytest.fail("no cc on this machine: install build-essential")

    def compile_(name: str, *sources: str, agent: bool = False) -> Path:
        program = tmp_path_factory.mktemp(name) / name
        files = [*(HERE / s for s in sources), *RUNTIME, *(AGENT if agent else [])]
        flags = [*WARNINGS, *SANITIZED, '-DREDS_BUILD_ID="test"']
        subprocess.run([cc, *flags, *map(str, files), "-o", str(program)], check=True)
        return program

    return compile_
