"""C programs of the tests, compiled once in a run: with sanitizers, warnings as errors."""

import fcntl
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TARGETS = HERE.parents[1] / "targets"
FAMILIES = TARGETS / "runtime/kernels/families.c"
RUNTIME = [*sorted((TARGETS / "runtime").glob("*.c")), FAMILIES]
RUNTIME += sorted((TARGETS / "runtime/kernels/portable").glob("*.c"))
RUNTIME += sorted((TARGETS / "runtime/kernels/x86").glob("*.c"))
NEON = sorted((TARGETS / "runtime/kernels/neon").glob("*.c"))
AGENT = sorted((TARGETS / "agent").glob("*.c"))
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

CFLAGS = shlex.split(os.environ.get("CFLAGS", ""))
"""What else the compiler is told, as `--coverage`."""

Compile = Callable[..., Path]


def _only(family: str, folder: Path) -> Path:
    """A table of families that has this one."""
    source = folder / "families.c"
    header = TARGETS / "runtime/kernels/kernels.h"
    table = f"const reds_family *const reds_families[] = {{&{family}, NULL}};"
    source.write_text(f'#include "{header}"\n{table}\n')
    return source


def shared(factory: pytest.TempPathFactory, name: str) -> Path:
    """Make a folder of this run that all of its workers see."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other workers waiting, so that one of them compiles and the others find its result."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compile test sources with the runtime (and the agent) into a sanitized program.

    `family`, the C name of one, makes it the only kernels that the program has. Each program, and each object
    that programs share, is compiled once in a run.
    """
    cc = shutil.which("cc")
    if cc is None:
        pytest.fail("no cc on this machine: install build-essential")
    objects = shared(tmp_path_factory, "objects")

    def object_(source: Path) -> str:
        target = objects / f"{'-'.join(source.parts[-3:])}.o"
        if not target.exists():
            flags = [*WARNINGS, *SANITIZED, *CFLAGS, '-DREDS_BUILD_ID="test"']
            subprocess.run([cc, *flags, "-c", str(source), "-o", str(target)], check=True)
        return str(target)

    def compile_(name: str, *sources: str, agent: bool = False, family: str = "", wrap: bool = False) -> Path:
        folder = objects / (f"{name}-{family}" if family else name)
        program = folder / name
        with locked(objects):
            folder.mkdir(exist_ok=True)
            files = [*(HERE / s for s in sources), *RUNTIME, *(AGENT if agent else [])]
            if family:
                files[files.index(FAMILIES)] = _only(family, folder)
            linker = ["-Wl,--wrap=reds_select", "-Wl,--wrap=reds_run"] if wrap else []
            parts = [object_(file) for file in files]
            if not program.exists():
                subprocess.run([cc, *SANITIZED, *CFLAGS, *parts, *linker, "-o", str(program)], check=True)
        return program

    return compile_
