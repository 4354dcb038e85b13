"""The runtime without the agent: the example, built as an author would, gives the reference's bits."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hil import build
from hil.emulators.cortex_m4 import QEMU
from hil.platformio import core_environment
from reds import pack
from reds.cli import main
from reds.fixtures import fixtures_dir
from reds.pack import interpreter
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights
from tests.targets.conftest import RUNTIME, TARGETS, WARNINGS

PACK = fixtures_dir() / "kws-dnn-s.reds"
EXAMPLE = TARGETS / "examples"


def expected() -> str:
    """The subnets of the example's budgets, largest first, on its input."""
    model = pack.load(PACK)
    x = (np.arange(model.input_size) % 255 - 127).astype(np.int8)[None]
    lines = []
    for budget in (80_000, 20_000, 60_000):
        subnet = max(s for s in range(len(model.subnets)) if model.macs(s) <= budget)
        scores = interpreter.run(model, subnet, x)[0]
        lines.append(f"{subnet}: {' '.join(str(score) for score in scores)}\n")
    return "".join(lines)


def run(command: Sequence[str | Path], **environment: str) -> str:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_budgets_of_the_example_choose_three_subnets() -> None:
    assert len({line.split(":")[0] for line in expected().splitlines()}) == 3


def test_built_by_hand(tmp_path: Path) -> None:
    """The least it takes: the runtime's sources, a search path, no option but the pack."""
    program = tmp_path / "budget"
    sources = [EXAMPLE / "budget.c", EXAMPLE / "pack.S", *RUNTIME]
    run(["cc", *WARNINGS, "-I", TARGETS / "runtime", f'-DPACK="{PACK}"', *sources, "-o", program])
    assert run([program]) == expected()


@pytest.mark.parametrize("how", ["add_subdirectory", "find_package"])
def test_built_by_cmake(how: str, tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake on this machine")
    options = [f"-DPACK={PACK}"]
    if how == "find_package":
        run(["cmake", "-S", TARGETS / "runtime", "-B", tmp_path / "runtime"])
        run(["cmake", "--build", tmp_path / "runtime"])
        run(["cmake", "--install", tmp_path / "runtime", "--prefix", tmp_path / "installed"])
        options += [f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}"]
    run(["cmake", "-S", EXAMPLE, "-B", tmp_path / "example", *options])
    run(["cmake", "--build", tmp_path / "example"])
    assert run([tmp_path / "example" / "budget"]) == expected()
    assert (tmp_path / "example" / "runtime").exists() == (how == "add_subdirectory")


@pytest.mark.parametrize("layout", ["canonical", "radix256"])
def test_built_for_the_emulated_board(layout: str, tmp_path: Path) -> None:
    laid_out = tmp_path / "net.reds"
    done = CliRunner().invoke(main, ["layout", str(PACK), layout, str(laid_out)])
    assert done.exit_code == 0, done.output
    shutil.copytree(TARGETS, tmp_path / "targets")
    project = tmp_path / "targets" / "nano33ble"
    core = core_environment(build.cache_dir() / "platformio")
    run(
        [sys.executable, "-m", "platformio", "run", "-d", project, "-e", "example"],
        PACK=str(laid_out),
        **core,
    )
    firmware = tmp_path / ".pio" / "build" / "example" / "firmware.elf"
    machine = ["-machine", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "stdio"]
    # After its last line the example leaves main, which locks the processor up and ends the emulation.
    done = subprocess.run(
        [QEMU, *machine, "-kernel", firmware],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout.replace("\r", "") == expected()


def test_a_layout_that_lacks_a_kernel_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(LAYOUTS[1]), "runs", lambda self, layer: layer.kind is Kind.DENSE)
    net = tmp_path / "net.reds"
    pack.save(with_random_weights("net", by_name("cnn-s")), net)
    done = CliRunner().invoke(main, ["layout", str(net), "radix256", str(tmp_path / "out.reds")])
    assert done.exit_code == 1
    assert "the kernels of radix256 do not run its conv, flatten; use canonical" in done.output
