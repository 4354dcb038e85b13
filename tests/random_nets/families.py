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
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reds import pack
from reds.pack.layouts import LAYOUTS, Layout, best
from reds.pack.model import Model
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
    """Outputs of a net's subnets for some inputs.

    Attributes:
        whole: Outputs of each subnet in whole inferences.
        by_layer: Outputs of each subnet in the same inferences, run layer by layer.
        instructions: Instructions of each layer of each subnet, of the last input; none where not counted.
    """

    whole: list[bytes]
    by_layer: list[bytes]
    instructions: list[list[int]]


class NoOutputError(Exception):
    """A program refused a pack, crashed, or wrote other outputs than it should."""


class Runs(Protocol):
    """A family of kernels that runs nets."""

    def chosen(self, model: Model) -> tuple[Layout, ...]:
        """Return the layout of each layer of a net."""
        ...

    def run(self, model: Model, x: NDArray[np.int8]) -> Ran:
        """Run all inputs, int8 [M, input], through each subnet of a net. Raises `NoOutputError`."""
        ...


@dataclass
class Program:
    """The runtime compiled for a family."""

    family: Family
    file: Path
    plugin: Path | None = None
    mark: int = 0
    layouts: frozenset[int] = field(default_factory=frozenset)

    def chosen(self, model: Model) -> tuple[Layout, ...]:
        """Return the layout of each layer of a net."""
        return best(model, self.layouts)

    def run(self, model: Model, x: NDArray[np.int8]) -> Ran:
        """Run all inputs through each subnet of a net. Raises `NoOutputError`."""
        pack_file, counts = self.file.with_suffix(".reds"), self.file.with_suffix(".counts")
        pack_file.write_bytes(pack.dumps(model, self.chosen(model)))
        said = self.call([str(pack_file)], x.tobytes(), counts)
        sizes = [model.output_size(s) for s in range(len(model.subnets))]
        if len(said) != 2 * len(x) * sum(sizes):
            raise NoOutputError(f"{len(said)} bytes of output, {2 * len(x) * sum(sizes)} expected")
        whole, by_layer, at = list[bytes](), list[bytes](), 0
        for size in sizes:
            pieces = [said[at + i * size : at + (i + 1) * size] for i in range(2 * len(x))]
            whole.append(b"".join(pieces[::2]))
            by_layer.append(b"".join(pieces[1::2]))
            at += 2 * len(x) * size
        return Ran(whole, by_layer, self._instructions(model, counts, len(x)))

    def _instructions(self, model: Model, counts: Path, inputs: int) -> list[list[int]]:
        if self.plugin is None:
            return []
        marks, found = iter([int(line) for line in counts.read_text().split()]), []
        for subnet in model.subnets:
            for _ in range(inputs):
                taken = [next(marks) for _ in range(len(subnet.steps) + 1)]
            found.append([after - before for before, after in pairwise(taken)])
        return found

    def call(self, arguments: Sequence[str], inputs: bytes, counts: Path) -> bytes:
        """Run the program, and return what it writes. Raises `NoOutputError` if it fails."""
        count = f"{self.plugin},mark={self.mark:#x},counts={counts}"
        counting = [] if self.plugin is None else ["-plugin", count]
        command = [*self.family.emulator, *counting, str(self.file), *arguments]
        try:
            done = subprocess.run(
                command, input=inputs, capture_output=True, check=False, timeout=RUN_SECONDS, env={}
            )
        except subprocess.TimeoutExpired:
            raise NoOutputError(f"no end within {RUN_SECONDS:g} s") from None
        if done.returncode or done.stderr:
            text = done.stderr.decode(errors="replace").strip()
            raise NoOutputError(f"exit status {done.returncode}: {text}")
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
    (bits,) = struct.unpack("<I", made.call([], b"", own / "none"))
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
