"""The kinds of processor that the sources compile for, with gcc and with clang.

PlatformIO and CMake compile all folders of kernels for any processor, so every file must compile for all.
clang takes the C libraries of the cross compilers, where Debian puts them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.targets.support.sources import BUILD_ID, TARGETS, WARNINGS

NEWLIB = "/usr/include/newlib"
PICOLIBC = "/usr/lib/picolibc/riscv64-unknown-elf/include"
RV32 = ("-march=rv32imac", "-mabi=ilp32")
AARCH64 = "/usr/aarch64-linux-gnu/include"


@dataclass(frozen=True)
class Machine:
    """A kind of processor.

    Attributes:
        gcc: Its compiler, with flags.
        clang: Flags with which clang compiles for it.
        folders: Folders of `targets` that it has beside the runtime, the governor and the agent.
        assembles: Whether the kernels in assembler compile for it.
    """

    gcc: Sequence[str]
    clang: Sequence[str]
    folders: Sequence[str]
    assembles: bool = False

    def command(self, compiler: str) -> list[str]:
        """Return the command of `gcc` or `clang`, with warnings as errors."""
        chosen = self.gcc if compiler == "gcc" else ["clang", *self.clang]
        return [*chosen, *WARNINGS, BUILD_ID, f"-I{TARGETS / 'governor'}", *defines(self.folders)]

    def sources(self) -> list[Path]:
        """Return the C files, and those in assembler if there are any for this processor."""
        found = [*(TARGETS / "runtime").rglob("*.c")]
        for folder in ("governor", "agent", *self.folders):
            found += (TARGETS / folder).glob("*.c")
        if self.assembles:
            found += (TARGETS / "runtime").rglob("*.S")
        return sorted(found)


def defines(folders: Sequence[str]) -> list[str]:
    """Return what a board's Makefile defines for the ports in some folders."""
    flags = ['-DPORT_BOARD="test"']
    if "posix" in folders:
        flags += ["-D_POSIX_C_SOURCE=200809L", "-DPORT_EMULATED=false", "-DPORT_CLOCKS=1"]
    return flags


def cortex_m(cpu: str, fpu: str = "", assembles: bool = True, image: str = "") -> Machine:
    """Return a Cortex-M, with the name that gcc has for its floating point, if it has any."""
    floats = ["-mfloat-abi=hard"] if fpu else ["-mfloat-abi=soft"]
    common = [f"-mcpu={cpu}", "-mthumb", *floats, *([f"-D{image}"] if image else [])]
    gcc = ["arm-none-eabi-gcc", *common, *([f"-mfpu={fpu}"] if fpu else [])]
    return Machine(
        gcc,
        ["--target=arm-none-eabi", *common, "-isystem", NEWLIB],
        ["bare_metal/cortex_m", *(["mps"] if image else [])],
        assembles,
    )


MACHINES: Mapping[str, Machine] = {
    "x86-64": Machine(["gcc"], [], ["posix"]),
    "aarch64": Machine(
        ["aarch64-linux-gnu-gcc"], ["--target=aarch64-linux-gnu", "-isystem", AARCH64], ["posix"]
    ),
    "cortex-m0plus": cortex_m("cortex-m0plus"),
    "cortex-m3": cortex_m("cortex-m3", image="MPS2_AN385"),
    "cortex-m4": cortex_m("cortex-m4", "fpv4-sp-d16", image="MPS2_AN386"),
    "cortex-m7": cortex_m("cortex-m7", "fpv5-sp-d16", image="MPS2_AN500"),
    "cortex-m33": cortex_m("cortex-m33", "fpv5-sp-d16", image="MPS2_AN505"),
    "cortex-m55": cortex_m("cortex-m55", "auto", image="MPS3_AN547"),
    "rv32imac": Machine(
        ["riscv64-unknown-elf-gcc", *RV32, "-misa-spec=2.2", "--specs=picolibc.specs"],
        ["--target=riscv32-unknown-elf", *RV32, "-isystem", PICOLIBC],
        ["bare_metal/riscv", "rv32"],
    ),
}
