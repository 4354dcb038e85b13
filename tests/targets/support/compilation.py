"""Compile the test programs for this machine, with sanitizers and warnings as errors."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
)

WRAPPED = ["-Wl,--wrap=reds_select", "-Wl,--wrap=reds_run"]


@dataclass
class Compiler:
    """A compiler that keeps its object files, so that programs share what they have in common."""

    folder: Path
    objects: dict[Path, Path] = field(default_factory=dict)
    programs: int = 0

    def program(self, *sources: str, agent: bool = False, family: str = "", link: Sequence[str] = ()) -> Path:
        """Compile a program from test sources and the runtime.

        Args:
            *sources: Files of the support folder; the first one names the program.
            agent: Add the agent.
            family: C name of the only kernel family that the program has; all of them if empty.
            link: Further flags of the linker.
        """
        self.programs += 1
        folder = self.folder / str(self.programs)
        folder.mkdir()
        files = [*(SUPPORT / source for source in sources), *RUNTIME, *(AGENT if agent else [])]
        if family:
            files[files.index(FAMILIES)] = _table_of(family, folder)
        program = folder / Path(sources[0]).stem
        objects = [str(self._object(file)) for file in files]
        subprocess.run(["cc", *SANITIZED, *CFLAGS, *objects, *link, "-o", str(program)], check=True)
        return program

    def _object(self, source: Path) -> Path:
        if source not in self.objects:
            target = self.folder / f"{len(self.objects)}-{source.stem}.o"
            flags = [*WARNINGS, *SANITIZED, *CFLAGS, BUILD_ID]
            subprocess.run(["cc", *flags, "-c", str(source), "-o", str(target)], check=True)
            self.objects[source] = target
        return self.objects[source]


def _table_of(family: str, folder: Path) -> Path:
    """Write a table of kernel families that has only this one."""
    source = folder / "families.c"
    header = TARGETS / "runtime/kernels/kernels.h"
    table = f"const reds_family *const reds_families[] = {{&{family}, NULL}};"
    source.write_text(f'#include "{header}"\n{table}\n')
    return source
