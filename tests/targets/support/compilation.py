"""Compile the test programs for this machine, with sanitizers and warnings as errors."""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.targets.support.sources import (
    AGENT,
    BUILD_ID,
    CFLAGS,
    FAMILIES,
    RUNTIME,
    SANITIZED,
    SUPPORT,
    TARGETS,
    WARNINGS,
    X86_LAYOUT,
)

WRAPPED = ["-Wl,--wrap=reds_select", "-Wl,--wrap=reds_run", "-Wl,--wrap=reds_run_layer"]


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


@dataclass(frozen=True)
class Compiler:
    """A compiler that keeps its results, so that each object and each program is compiled once in a run."""

    folder: Path

    def program(
        self, *sources: str, agent: bool = False, family: str = "", header: Path | None = None,
        link: Sequence[str] = (),
    ) -> Path:  # fmt: skip
        """Compile a program from test sources and the runtime, unless a worker of this run has done so.

        Args:
            *sources: Files of the support folder; the first one names the program.
            agent: Add the agent.
            family: C name of the only family of x86 that the program has; all of them if empty.
            header: Included before the source of that family.
            link: Further flags of the linker.
        """
        key = hashlib.sha256(repr((sources, agent, family, header, list(link))).encode()).hexdigest()[:12]
        folder = self.folder / f"{Path(sources[0]).stem}-{key}"
        program = folder / Path(sources[0]).stem
        with locked(self.folder):
            if not program.exists():
                folder.mkdir(exist_ok=True)
                files = [*(SUPPORT / source for source in sources), *RUNTIME, *(AGENT if agent else [])]
                if family:
                    files[files.index(FAMILIES)] = processor_table(folder, family)
                heads = [header if family.endswith(file.stem) else None for file in files]
                objects = map(str, in_parallel(self._object, files, heads))
                subprocess.run(["cc", *SANITIZED, *CFLAGS, *objects, *link, "-o", str(program)], check=True)
        return program

    def _object(self, source: Path, header: Path | None) -> Path:
        target = self.folder / f"{'-'.join(source.parts[-3:])}{'-headed' if header else ''}.o"
        if not target.exists():
            flags = [*WARNINGS, *SANITIZED, *_quick(), *CFLAGS, BUILD_ID]
            flags += ["-include", str(header)] if header else []
            subprocess.run(["cc", *flags, "-c", str(source), "-o", str(target)], check=True)
        return target


def in_parallel(compiled: Callable[..., Path], *arguments: Iterable[object]) -> list[Path]:
    """Compile on all processors: other workers may wait for the lock of this one."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compiled, *arguments))


@cache
def _quick() -> list[str]:
    """Return flags with which gcc compiles the AVX-512 kernels in 5 s, not 16; none for another compiler."""
    flags = ["-fira-region=one"]
    tried = subprocess.run(["cc", *flags, "-E", "-x", "c", os.devnull], capture_output=True, check=False)
    return flags if tried.returncode == 0 else []


def processor_table(folder: Path, family: str = "") -> Path:
    """Write a table of processors that has one, with the portable kernels and perhaps a family of x86."""
    source, header = folder / "families.c", TARGETS / "runtime/kernels/kernels.h"
    fast = f", [{X86_LAYOUT}] = &{family}" if family else ""
    table = f"const reds_kernels reds_processors[] = {{{{{{[0] = &reds_portable{fast}}}}}}};"
    source.write_text(f'#include "{header}"\n{table}\n')
    return source
