"""What no test here can run is at least compiled: the Arduino port, and all C as the Nano's core does."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hil.protocol import definition
from tests.targets.conftest import AGENT, HERE, RUNTIME, TARGETS, WARNINGS

MACHINE = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O3"]
KERNELS = sorted((TARGETS / "runtime/kernels/cortex_m4").glob("*.[cS]"))


def compile_for_m4(compiler: str, flags: list[str], source: Path, folder: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.fail(f"no {compiler} on this machine: install gcc-arm-none-eabi")
    command = [compiler, *MACHINE, *flags, "-c", str(source), "-o", str(folder / "out.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_arduino_port_compiles_against_stubs_of_its_calls(tmp_path: Path) -> None:
    flags = ["-std=gnu++14", "-Wall", "-Wextra", "-Werror", "-I", str(HERE / "stubs")]
    compile_for_m4("arm-none-eabi-g++", flags, TARGETS / "nano33ble/src/arduino/port.cpp", tmp_path)


@pytest.mark.parametrize("standard", ["c11", "gnu11"])
@pytest.mark.parametrize("source", [*RUNTIME, *AGENT, *KERNELS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_all_c_compiles_for_the_cortex_m4(source: Path, standard: str, tmp_path: Path) -> None:
    flags = [*WARNINGS[1:], f"-std={standard}", '-DREDS_BUILD_ID="test"']
    compile_for_m4("arm-none-eabi-gcc", flags, source, tmp_path)


def test_both_ends_have_the_same_protocol() -> None:
    header = TARGETS / "agent" / "protocol.h"
    assert header.read_text() == definition.c_header(), (
        "run: python -m hil.protocol.definition > targets/agent/protocol.h"
    )


def test_the_runtime_takes_nothing_from_the_heap(tmp_path: Path) -> None:
    """No call to malloc and its kin is left in the runtime's or the agent's objects."""
    for source in [*RUNTIME, *AGENT, *KERNELS]:
        compile_for_m4("arm-none-eabi-gcc", ['-DREDS_BUILD_ID="test"'], source, tmp_path)
        symbols = subprocess.run(
            ["arm-none-eabi-nm", str(tmp_path / "out.o")], capture_output=True, text=True, check=True
        ).stdout
        wanted = {line.split()[-1] for line in symbols.splitlines() if " U " in line}
        assert not wanted & {"malloc", "calloc", "realloc", "free", "_sbrk"}
