"""Small processors that run the portable kernels alone: their instructions are counted, layer by layer.

QEMU's user mode runs the program, without a machine. An application processor of Arm has all instructions of the
Cortex-M0+ and the Cortex-M3, so it counts as they do.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.targets.support.compilation import in_parallel
from tests.targets.support.sources import RUNTIME, SUPPORT, TARGETS, WARNINGS, X86

ARM, RISCV = "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"


@dataclass(frozen=True)
class Core:
    """A kind of processor, how to compile for it, and which emulated one runs the program."""

    compiler: str
    flags: Sequence[str]
    emulator: Sequence[str]


CORES: Mapping[str, Core] = {
    "cortex-m0plus": Core(ARM, ("-mcpu=cortex-m0plus", "-mthumb"), ("qemu-arm", "-cpu", "cortex-a15")),
    "cortex-m3": Core(ARM, ("-mcpu=cortex-m3", "-mthumb"), ("qemu-arm", "-cpu", "cortex-a15")),
    "rv32imac": Core(
        RISCV, ("-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"), ("qemu-riscv32", "-cpu", "rv32")
    ),
}


@dataclass(frozen=True)
class Ran:
    """What a program wrote, and the instructions of each layer of each inference in turn."""

    output: bytes
    layers: Sequence[int]


@dataclass(frozen=True)
class Bare:
    """A program for a core, and the plugin of QEMU that counts its instructions."""

    core: Core
    program: Path
    plugin: Path
    mark: int

    def run(self, pack: Path, inputs: bytes) -> Ran:
        """Run all inputs through each subnet of a pack, smallest first."""
        counts = self.program.with_suffix(".counts")
        plugin = f"{self.plugin},mark={self.mark:#x},counts={counts}"
        command = [*self.core.emulator, "-plugin", plugin, str(self.program), str(pack)]
        done = subprocess.run(command, input=inputs, capture_output=True, check=True)
        marks = [int(line) for line in counts.read_text().split()]
        return Ran(done.stdout, [after - before for before, after in zip(marks, marks[1:], strict=False)])


def build(folder: Path, core: Core, optimized: Sequence[str] = ("-O3",), runtime: Path | None = None) -> Bare:
    """Compile the runtime for a core, and the plugin.

    Args:
        folder: Receives the files.
        core: What to compile for.
        optimized: Flags of the optimizer.
        runtime: Folder `targets` of another version of the sources.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["-std=c11", *core.flags, *optimized, "-ffreestanding", "-ffunction-sections"]
    sources = [file for file in RUNTIME if file not in X86]
    if runtime is not None:
        sources = [runtime / file.relative_to(TARGETS) for file in sources]
        sources = [file for file in sources if file.exists()]
    compiled = partial(_object, folder, [core.compiler, *flags])
    objects = in_parallel(compiled, [SUPPORT / "bare.c", *sources])
    program, plugin = folder / "bare", folder / "instructions.so"
    link = ["-nostartfiles", "-static", "-T", str(SUPPORT / "bare.ld")]
    subprocess.run([core.compiler, *flags, *link, *map(str, objects), "-o", str(program)], check=True)
    plugin_flags = ["-O2", "-fPIC", "-shared", *WARNINGS]
    subprocess.run(["cc", *plugin_flags, str(SUPPORT / "instructions.c"), "-o", str(plugin)], check=True)
    return Bare(core, program, plugin, _address(core, program, "mark"))


def _object(folder: Path, command: Sequence[str], source: Path) -> Path:
    target = folder / f"{'-'.join(source.parts[-3:])}.o"
    subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True)
    return target


def _address(core: Core, program: Path, symbol: str) -> int:
    nm = core.compiler.removesuffix("gcc") + "nm"
    listed = subprocess.run([nm, str(program)], capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in listed.splitlines() if line.split()[-1] == symbol)
    return int(line.split()[0], 16) & ~1
