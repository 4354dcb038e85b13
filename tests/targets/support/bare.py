"""Small processors that run the portable kernels alone: their instructions are counted, layer by layer.

QEMU's user mode runs the program, without a machine. An application processor of Arm has all instructions of
the Cortex-M0+ and the Cortex-M3, so it counts as they do.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from reds.pack.model import Model
from tests.targets.support.compilation import in_parallel
from tests.targets.support.sources import RUNTIME, SUPPORT, WARNINGS, X86

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
    """Output of a program, and its instructions from each mark to the next.

    Attributes:
        output: Outputs of all inferences.
        between: A mark is before each layer, and after the last layer of each inference.
    """

    output: bytes
    between: Sequence[int]

    def inferences(self, model: Model) -> Iterator[Sequence[int]]:
        """Yield the instructions of each layer, if each subnet of the model ran one inference."""
        at = 0
        for subnet in model.subnets:
            yield self.between[at : at + len(subnet.steps)]
            at += len(subnet.steps) + 1


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
        return Ran(done.stdout, [after - before for before, after in pairwise(marks)])


def build(folder: Path, core: Core, *optimized: str) -> Bare:
    """Compile the runtime for a core, with these flags of the optimizer or -O3, unless the folder has it."""
    program, plugin = folder / "bare", folder / "instructions.so"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        counter = str(SUPPORT / "instructions.c")
        subprocess.run(["cc", "-O2", "-fPIC", "-shared", *WARNINGS, counter, "-o", str(plugin)], check=True)
        command = [core.compiler, *WARNINGS, *core.flags, *(optimized or ("-O3",)), "-ffreestanding"]
        sources = [SUPPORT / "bare.c", *(file for file in RUNTIME if file not in X86)]
        objects = map(str, in_parallel(partial(_object, folder, command), sources))
        link = ["-nostartfiles", "-static", "-T", str(SUPPORT / "bare.ld")]
        subprocess.run([*command, *link, *objects, "-o", str(program)], check=True)
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
