"""C programs of the tests, compiled once a session: with sanitizers, warnings as errors."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compile test sources with the runtime (and the agent) into a sanitized program.

    `family`, the C name of one, makes it the only kernels that the program has; `header` is included before
    its source. What programs share is compiled once.
    """
    cc = shutil.which("cc")
    if cc is None:
        pytest.fail("no cc on this machine: install build-essential")
    objects: dict[tuple[Path, Path | None], Path] = {}
    folder = tmp_path_factory.mktemp("objects")

    def object_(source: Path, header: Path | None) -> Path:
        if (source, header) not in objects:
            target = folder / f"{len(objects)}-{source.stem}.o"
            flags = [*WARNINGS, *SANITIZED, *CFLAGS, '-DREDS_BUILD_ID="test"']
            flags += ["-include", str(header)] if header else []
            subprocess.run([cc, *flags, "-c", str(source), "-o", str(target)], check=True)
            objects[source, header] = target
        return objects[source, header]

    def compile_(name: str, *sources: str, agent: bool = False, family: str = "", wrap: bool = False,
                 header: Path | None = None) -> Path:  # fmt: skip
        program = tmp_path_factory.mktemp(name) / name
        files = [*(HERE / s for s in sources), *RUNTIME, *(AGENT if agent else [])]
        if family:
            files[files.index(FAMILIES)] = _only(family, program.parent)
        linker = ["-Wl,--wrap=reds_select", "-Wl,--wrap=reds_run"] if wrap else []
        parts = [str(object_(file, header if family.endswith(file.stem) else None)) for file in files]
        subprocess.run([cc, *SANITIZED, *CFLAGS, *parts, *linker, "-o", str(program)], check=True)
        return program

    return compile_
