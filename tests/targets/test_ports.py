"""All C compiles for the Nano, the port that no test can run included, and takes nothing from the heap."""

import subprocess
from pathlib import Path

import pytest

from hil.protocol import definition
from tests.targets.support.sources import AGENT, BUILD_ID, CORTEX_M4, RUNTIME, SUPPORT, TARGETS, WARNINGS

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
@pytest.mark.parametrize("standard", ["c11", "gnu11"])
@pytest.mark.parametrize("source", [*RUNTIME, *AGENT, *CORTEX_M4], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_all_c_compiles_for_the_cortex_m4(source: Path, standard: str, tmp_path: Path) -> None:
    flags = [*WARNINGS[1:], f"-std={standard}", BUILD_ID]
    compile_for_m4("arm-none-eabi-gcc", flags, source, tmp_path)


@pytest.mark.cross("clang")
@pytest.mark.parametrize("source", [*RUNTIME, *AGENT], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_all_c_for_the_desktop_compiles_with_clang(source: Path, tmp_path: Path) -> None:
    command = ["clang", *WARNINGS, BUILD_ID, "-O2", "-c", str(source), "-o", str(tmp_path / "out.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_header_of_the_protocol_is_the_one_the_host_writes() -> None:
    header = TARGETS / "agent" / "protocol.h"
    assert header.read_text() == definition.c_header(), (
        "run: hil dev protocol-header > targets/agent/protocol.h"
    )


@pytest.mark.cross("arm-none-eabi-gcc")
def test_runtime_and_agent_call_no_heap_function(tmp_path: Path) -> None:
    for source in [*RUNTIME, *AGENT, *CORTEX_M4]:
        compile_for_m4("arm-none-eabi-gcc", [BUILD_ID], source, tmp_path)
        symbols = subprocess.run(
            ["arm-none-eabi-nm", str(tmp_path / "out.o")], capture_output=True, text=True, check=True
        ).stdout
        wanted = {line.split()[-1] for line in symbols.splitlines() if " U " in line}
        assert not wanted & {"malloc", "calloc", "realloc", "free", "_sbrk"}
