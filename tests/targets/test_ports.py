"""All C compiles for the Nano, the port that no test can run included, and takes nothing from the heap."""

import os
import subprocess
from pathlib import Path

import pytest

from hil.protocol import definition
from tests.targets.support.sources import (
    AGENT,
    BUILD_ID,
    CORTEX_M4,
    NEON,
    POSIX,
    RUNTIME,
    SUPPORT,
    TARGETS,
    WARNINGS,
)

MACHINE = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O3"]


def compile_for_m4(compiler: str, flags: list[str], source: Path, folder: Path) -> None:
    command = [compiler, *MACHINE, *flags, "-c", str(source), "-o", str(folder / "out.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.cross("arm-none-eabi-g++")
def test_arduino_port_compiles_against_stubs_of_the_core(tmp_path: Path) -> None:
    flags = ["-std=gnu++14", "-Wall", "-Wextra", "-Werror", "-I", str(SUPPORT / "stubs")]
    compile_for_m4("arm-none-eabi-g++", flags, TARGETS / "nano33ble/src/arduino/port.cpp", tmp_path)


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.parametrize("source", [*RUNTIME, *AGENT, *CORTEX_M4], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_all_c_compiles_for_the_cortex_m4_and_calls_no_heap_function(source: Path, tmp_path: Path) -> None:
    compile_for_m4("arm-none-eabi-gcc", [*WARNINGS, BUILD_ID], source, tmp_path)
    symbols = subprocess.run(
        ["arm-none-eabi-nm", str(tmp_path / "out.o")], capture_output=True, text=True, check=True
    ).stdout
    wanted = {line.split()[-1] for line in symbols.splitlines() if " U " in line}
    assert not wanted & {"malloc", "calloc", "realloc", "free", "_sbrk"}


@pytest.mark.cross("arm-none-eabi-gcc")
def test_all_c_of_the_cortex_m4_is_also_that_of_arduino() -> None:
    """The Arduino core compiles C as gnu11."""
    flags = [*MACHINE, *WARNINGS[1:], "-std=gnu11", BUILD_ID, "-fsyntax-only"]
    done = subprocess.run(
        ["arm-none-eabi-gcc", *flags, *map(str, [*RUNTIME, *AGENT, *CORTEX_M4])],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


FAMILIES_OF_OTHERS = [*NEON, *(file for file in CORTEX_M4 if file.suffix == ".c")]
"""Kernels that compile to nothing on a desktop."""
PORT = ["-D_POSIX_C_SOURCE=200809L", '-DPORT_BOARD="x"', "-DPORT_EMULATED=false", "-DPORT_CLOCKS=1"]
BOTH = pytest.mark.parametrize(
    "compiler", [pytest.param(name, marks=pytest.mark.cross(name)) for name in ("cc", "clang")]
)


@BOTH
@pytest.mark.parametrize("source", [*POSIX, *FAMILIES_OF_OTHERS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_c_that_the_agent_of_a_desktop_leaves_out_compiles_there(
    source: Path, compiler: str, tmp_path: Path
) -> None:
    command = [compiler, *WARNINGS, BUILD_ID, *PORT, "-O2", "-c", str(source), "-o", str(tmp_path / "out.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@BOTH
def test_posix_agent_builds_with_either_compiler(compiler: str, tmp_path: Path) -> None:
    """All C of the runtime, the agent and the port, with the warnings that its makefile sets."""
    folder = TARGETS / "posix"
    out = f"OUT={os.path.relpath(tmp_path, folder)}"
    command = ["make", "-s", "-C", str(folder), f"CC={compiler}", "CFLAGS=-O2", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert os.access(tmp_path / "agent", os.X_OK)


@pytest.mark.cross("clang", "aarch64-linux-gnu-gcc")
def test_all_c_compiles_for_aarch64_with_clang(tmp_path: Path) -> None:
    flags = ["--target=aarch64-linux-gnu", "-I/usr/aarch64-linux-gnu/include", *WARNINGS, BUILD_ID, *PORT]
    sources = map(str, [*RUNTIME, *AGENT, *POSIX, *FAMILIES_OF_OTHERS])
    done = subprocess.run(
        ["clang", *flags, "-fsyntax-only", *sources], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_posix_makefile_refuses_a_folder_that_make_cannot_name(tmp_path: Path) -> None:
    command = ["make", "-s", "-C", str(TARGETS / "posix"), f"OUT={tmp_path}/a b"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"OUT is '{tmp_path}/a b'; name a folder without spaces" in done.stderr


def test_header_of_the_protocol_is_the_one_the_host_writes() -> None:
    header = TARGETS / "agent" / "protocol.h"
    assert header.read_text() == definition.c_header(), (
        "run: hil dev protocol-header > targets/agent/protocol.h"
    )
