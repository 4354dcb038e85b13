"""Programs for another processor, compiled here and run in QEMU's user mode."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.targets.conftest import CFLAGS, HERE, RUNTIME, WARNINGS, locked


@dataclass(frozen=True)
class Cross:
    """Compiles test sources with the runtime, once each, and runs them on an emulated processor."""

    compiler: str
    qemu: str
    package: str
    """What Debian calls that which has the compiler and its C library."""
    kernels: tuple[Path, ...]
    """What of the runtime this processor has beside the portable kernels."""
    folder: Path

    def need(self) -> None:
        """Fail, saying what to install, where the tools are missing."""
        for tool, package in ((self.compiler, self.package), (self.qemu, "qemu-user")):
            if shutil.which(tool) is None:
                pytest.fail(f"no {tool} on this machine: install {package}")

    def compiled(self, *sources: str, flags: Sequence[str]) -> Path:
        """The program of these sources; its first one names it."""
        program = self.folder / Path(sources[0]).stem
        with locked(self.folder):
            if not program.exists():
                files = [*(HERE / source for source in sources), *RUNTIME, *self.kernels]
                command, objects = [self.compiler, *WARNINGS, *CFLAGS, *flags], []
                for i, file in enumerate(files):  # one by one: some have the same name
                    objects.append(str(self.folder / f"{program.name}-{i}-{file.stem}.o"))
                    subprocess.run([*command, "-c", str(file), "-o", objects[-1]], check=True)
                subprocess.run([*command, *objects, "-o", str(program)], check=True)
        return program

    def run(
        self, program: Path, cpu: str, *arguments: str, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Leaks are not looked for: that takes ptrace, which emulation has not."""
        where = [self.compiler, "-print-file-name=libc.so.6"]
        libc = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
        root = Path(libc).resolve().parents[1]
        command = [self.qemu, "-L", str(root), "-cpu", cpu, str(program), *arguments]
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment)
