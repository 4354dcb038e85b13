"""Programs for another processor, compiled here and run in QEMU's user mode."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.targets.support.compilation import in_parallel, locked
from tests.targets.support.sources import CFLAGS, RUNTIME, SUPPORT, WARNINGS


@dataclass(frozen=True)
class Cross:
    """A cross compiler of test programs, and the emulated processor that runs them."""

    compiler: str
    qemu: str
    kernels: tuple[Path, ...]
    """Kernels that this processor has beside the portable ones."""
    folder: Path

    def program(self, *sources: str, flags: Sequence[str]) -> Path:
        """Compile a program from test sources, named by the first one, unless it is there already."""
        program = self.folder / Path(sources[0]).stem
        with locked(self.folder):
            if not program.exists():
                files = [*(SUPPORT / source for source in sources), *RUNTIME, *self.kernels]
                command = [self.compiler, *WARNINGS, *CFLAGS, *flags]

                def compiled(i: int, file: Path) -> Path:
                    target = self.folder / f"{program.name}-{i}-{file.stem}.o"  # some have the same name
                    subprocess.run([*command, "-c", str(file), "-o", str(target)], check=True)
                    return target

                objects = map(str, in_parallel(compiled, range(len(files)), files))
                subprocess.run([*command, *objects, "-o", str(program)], check=True)
        return program

    def run(
        self, program: Path, cpu: str, *arguments: str, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program on the emulated processor `cpu`.

        The sanitizer does not look for leaks: it would need ptrace, which the emulation lacks.
        """
        ask = [self.compiler, "-print-file-name=libc.so.6"]
        libc = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        root = Path(libc).resolve().parents[1]
        command = [self.qemu, "-L", str(root), "-cpu", cpu, str(program), *arguments]
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment)
