"""Compile the runtime for each family of kernels, and run packs there: natively, or in QEMU's user mode.

A plugin counts the instructions of each layer. An application processor runs the programs of a Cortex-M,
since it has all of their instructions, and QEMU's user mode takes no Cortex-M.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from reds.pack.layouts import LAYOUTS
from tests.targets.support.compilation import processor_table
from tests.targets.support.sources import FAMILIES, RUNTIME, SUPPORT, TARGETS, WARNINGS, X86
from tests.targets.support.x86 import missing

RUN_SECONDS = 120.0
_KERNELS = TARGETS / "runtime/kernels"
_ARM, _RISCV, _AARCH64 = "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "aarch64-linux-gnu-gcc"
_BARE = ("-ffreestanding", "-nostartfiles", "-static", "-T", str(SUPPORT / "bare.ld"))
_HARD = ("-mfloat-abi=hard", "-mthumb")
_HOSTED = ("-DHOSTED", "-static")


@dataclass(frozen=True)
class Family:
    """A family of kernels on one processor.

    Attributes:
        compiler: Its compiler.
        flags: The compiler's flags.
        emulator: Command that runs its programs; empty for this machine.
        folders: Folders of kernels that it has beside the portable ones.
        x86: C name of its only family of x86.
    """

    compiler: str
    flags: Sequence[str]
    emulator: Sequence[str] = ()
    folders: Sequence[str] = ()
    x86: str = ""

    @property
    def lacks(self) -> str:
        """Return what this machine lacks to run it; empty if nothing."""
        tools = [tool for tool in (self.compiler, *self.emulator[:1]) if shutil.which(tool) is None]
        return ", ".join([*tools, *(sorted(missing(self.x86)) if self.x86 else ())])


def _cortex(core: str, *folders: str, fpu: str = "") -> Family:
    flags = (f"-mcpu={core}", *(_HARD if fpu else ("-mthumb",)), *([f"-mfpu={fpu}"] if fpu else ()))
    return Family(_ARM, (*flags, *_BARE), ("qemu-arm", "-cpu", "cortex-a15"), folders)


def _aarch64(processor: str) -> Family:
    return Family(_AARCH64, _HOSTED, ("qemu-aarch64", "-cpu", processor), ("neon",))


EVERY: Mapping[str, Family] = {
    "m4": _cortex("cortex-m4", "cortex_m4", fpu="fpv4-sp-d16"),
    "m33": _cortex("cortex-m33", "cortex_m4", fpu="fpv5-sp-d16"),
    "m7": _cortex("cortex-m7", "cortex_m4", fpu="fpv5-d16"),
    "m3": _cortex("cortex-m3"),
    "m0": _cortex("cortex-m0plus"),
    "rv32": Family(
        _RISCV,
        ("-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs", *_BARE),
        ("qemu-riscv32", "-cpu", "rv32"),
    ),
    "neon": _aarch64("cortex-a72"),
    "dotprod": _aarch64("cortex-a76"),
    "avx2": Family("cc", ("-DHOSTED",), x86="reds_x86_avx2"),
    "avx512": Family("cc", ("-DHOSTED",), x86="reds_x86_avx512"),
}


@dataclass(frozen=True)
class Ran:
    """What a program wrote.

    Attributes:
        whole: Outputs of whole inferences.
        by_layer: Outputs of the same inferences, run layer by layer.
        instructions: Instructions of each layer of each inference in turn; None where they are not counted.
    """

    whole: bytes
    by_layer: bytes
    instructions: Sequence[int] | None


class NoOutputError(Exception):
    """A program refused a pack, crashed, or wrote other outputs than it should."""


@dataclass
class Program:
    """The runtime compiled for a family."""

    family: Family
    file: Path
    plugin: Path | None = None
    mark: int = 0
    layouts: frozenset[int] = field(default_factory=frozenset)

    def run(self, pack: Path, inputs: bytes, layers: Sequence[int], sizes: Sequence[int]) -> Ran:
        """Run all inputs through each subnet of a pack, smallest first.

        Args:
            pack: The pack.
            inputs: The inputs.
            layers: Number of layers of each inference in turn.
            sizes: Bytes of each output in turn.

        Raises:
            NoOutputError: The program ended otherwise than with all outputs.
        """
        counts = pack.with_suffix(".counts")
        said = self._call([str(pack)], inputs, counts)
        if len(said) != 2 * sum(sizes):
            raise NoOutputError(f"{len(said)} bytes of output, {2 * sum(sizes)} expected")
        whole, by_layer, at = b"", b"", 0
        for size in sizes:
            whole += said[at : at + size]
            by_layer += said[at + size : at + 2 * size]
            at += 2 * size
        return Ran(whole, by_layer, self._instructions(counts, layers))

    def _instructions(self, counts: Path, layers: Sequence[int]) -> list[int] | None:
        if self.plugin is None:
            return None
        marks, found = iter([int(line) for line in counts.read_text().split()]), []
        for count in layers:
            before = next(marks)
            for _ in range(count):
                after = next(marks)
                found.append(after - before)
                before = after
        return found

    def _call(self, arguments: Sequence[str], inputs: bytes, counts: Path) -> bytes:
        counting = (
            [] if self.plugin is None else ["-plugin", f"{self.plugin},mark={self.mark:#x},counts={counts}"]
        )
        command = [*self.family.emulator, *counting, str(self.file), *arguments]
        try:
            done = subprocess.run(
                command, input=inputs, capture_output=True, check=False, timeout=RUN_SECONDS, env={}
            )
        except subprocess.TimeoutExpired:
            raise NoOutputError(f"no end within {RUN_SECONDS:g} s") from None
        if done.returncode or done.stderr:
            raise NoOutputError(
                f"exit status {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
            )
        return done.stdout


def build(name: str, folder: Path) -> Program:
    """Compile the runtime for a family."""
    family, own = EVERY[name], folder / name
    own.mkdir(parents=True, exist_ok=True)
    more = [file for each in family.folders for file in sorted((_KERNELS / each).glob("*.[cS]"))]
    sources = [Path(__file__).with_name("run.c"), *(file for file in RUNTIME if file not in X86), *more]
    if family.x86:
        sources[sources.index(FAMILIES)] = processor_table(own, family.x86)
        sources += X86
    command = [family.compiler, "-std=c11", "-O2" if family.x86 else "-O3", *family.flags]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = [*pool.map(partial(_object, own, command), sources)]
    program = own / "run"
    subprocess.run([*command, "-Wl,--no-warn-execstack", *map(str, objects), "-o", str(program)], check=True)
    made = Program(family, program)
    if family.emulator:
        made.plugin, made.mark = _plugin(folder), _address(family.compiler, program)
    (bits,) = struct.unpack("<I", made._call([], b"", own / "none"))
    made.layouts = frozenset(i for i in LAYOUTS if bits >> i & 1)
    return made


def _object(folder: Path, command: Sequence[str], source: Path) -> Path:
    target = folder / f"{'-'.join(source.parts[-3:])}.o"
    subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True)
    return target


def _plugin(folder: Path) -> Path:
    plugin = folder / "instructions.so"
    if not plugin.exists():
        flags = ["-O2", "-fPIC", "-shared", *WARNINGS]
        subprocess.run(["cc", *flags, str(SUPPORT / "instructions.c"), "-o", str(plugin)], check=True)
    return plugin


def _address(compiler: str, program: Path) -> int:
    nm = compiler.removesuffix("gcc") + "nm"
    listed = subprocess.run([nm, str(program)], capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in listed.splitlines() if line.split()[-1] == "mark")
    return int(line.split()[0], 16) & ~1
