"""The firmware examples, built by the commands of their READMEs, print the reference's classes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hil.firmware.platformio import core_environment
from reds import pack
from reds.fixtures import fixtures_dir
from reds.pack import interpreter
from reds.pack.layouts import CANONICAL, LAYOUTS, Layout
from tests.support.pages import block
from tests.support.tools import missing
from tests.targets.support.models import stored
from tests.targets.support.sources import RUNTIME, TARGETS, WARNINGS

ROOT = TARGETS.parent
EXAMPLES = ROOT / "examples"
NET = fixtures_dir() / "kws-dnn-s.reds"
BASH = ("bash", "-euo", "pipefail", "-c")


def steps(example: str) -> str:
    """Return the commands in the first fenced block of the example's README."""
    found = re.search(r"^```sh\n(.*?)^```$", (EXAMPLES / example / "README.md").read_text(), re.M | re.S)
    assert found, f"{example}/README.md has no fenced block of commands"
    return found[1]


def expected() -> list[str]:
    """Return what an example prints: the reference's class for each subnet, on the example's input."""
    model = pack.load(NET)
    x = (np.arange(model.input_size) % 255 - 127).astype(np.int8)[None]
    lines = []
    for subnet in range(len(model.subnets)):
        scores = interpreter.run(model, subnet, x)[0]
        label = int(scores.argmax())
        macs = model.macs(subnet)
        lines.append(f"subnet {subnet}, {macs} MACs: class {label}, score {scores[label]}")
    return lines


def run(command: str, folder: Path, **environment: str) -> list[str]:
    """Run shell commands in a folder, with `REDS` naming the checkout, and return the lines they print."""
    done = subprocess.run(
        [*BASH, command],
        cwd=folder,
        env={**os.environ, "REDS": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def platformio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment in which `pio` runs without a network."""
    core = core_environment(tmp_path_factory.mktemp("platformio"))
    return {**core, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_subnets_of_the_examples_disagree_on_the_class() -> None:
    """Else a switch that does nothing would go unnoticed."""
    assert len({line.split("class ")[1] for line in expected()}) > 1


def test_sources_of_the_cmake_example_compile_without_a_build_system(tmp_path: Path) -> None:
    shutil.copy(NET, tmp_path / "net.reds")
    example = EXAMPLES / "firmware-cmake"
    sources = [example / "main.c", example / "net.S", *RUNTIME]
    command = ["cc", *WARNINGS, "-I", TARGETS / "runtime", "-I.", *sources, "-o", "firmware"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert run("./firmware", tmp_path) == expected()


LAYERS = """
#include <reds.h>
#include <stdio.h>
extern const uint8_t net[], net_end[];
static int8_t arena[4096] __attribute__((aligned(16)));
static unsigned yields;
static void yield(void) { yields++; }
static void classify(const int8_t *scores, size_t count)
{
    size_t largest = 0;
    for (size_t i = 1; i < count; i++) {
        largest = scores[i] > scores[largest] ? i : largest;
    }
    printf("class %u, score %d after %u yields\\n", (unsigned)largest, scores[largest], yields);
}
int main(void)
{
    reds_model model;
    if (reds_load(&model, net, (size_t)(net_end - net), arena, sizeof arena) != REDS_OK) {
        return 1;
    }
    reds_select(&model, 3);
    for (size_t i = 0; i < reds_input_bytes(&model); i++) {
        reds_input(&model)[i] = (int8_t)((int)(i % 255) - 127);
    }
    SNIPPET
    return 0;
}
"""
"""A program around the documentation's inference that yields between layers."""


def test_inference_of_the_documentation_yields_after_every_layer(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(LAYERS.replace("SNIPPET", block("firmware.md", "layers")))
    shutil.copy(NET, tmp_path / "net.reds")
    sources = ["main.c", EXAMPLES / "firmware-cmake/net.S", *RUNTIME]
    command = ["cc", *WARNINGS, "-I", TARGETS / "runtime", "-I.", *sources, "-o", "firmware"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (line,) = run("./firmware", tmp_path)
    assert line == f"{expected()[3].partition(': ')[2]} after {len(pack.load(NET).layers)} yields"


GOVERNED = """
#include <governor.h>
#include <reds.h>
#include <stdio.h>
extern const uint8_t net[], net_end[];
static int8_t arena[4096] __attribute__((aligned(16)));
static uint32_t clock_us(void) { return 3000; }
int main(void)
{
    reds_model model;
    if (reds_load(&model, net, (size_t)(net_end - net), arena, sizeof arena) != REDS_OK) {
        return 1;
    }
    SNIPPET
    printf("%u, then %u\\n", (unsigned)subnet, (unsigned)reds_choose(&governor, &now));
    return 0;
}
"""
"""A program around the documentation's governor."""


def test_governor_of_the_documentation_chooses_and_learns(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(GOVERNED.replace("SNIPPET", block("governor.md", "governor")))
    shutil.copy(NET, tmp_path / "net.reds")
    governor = TARGETS / "governor"
    sources = ["main.c", EXAMPLES / "firmware-cmake/net.S", *sorted(governor.glob("*.c")), *RUNTIME]
    command = ["cc", *WARNINGS, "-I", TARGETS / "runtime", "-I", governor, "-I.", *sources, "-o", "firmware"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert run("./firmware", tmp_path) == ["2, then 0"], "an overrun makes it careful"


def test_governor_over_a_day_lives_on_the_sun(tmp_path: Path) -> None:
    lines = [line.split() for line in run(steps("governor"), tmp_path)]
    assert [line[0] for line in lines] == [f"{hour:02}:00" for hour in range(24)]
    assert lines[12][1:5] == ["0", "0", "0", "3600"], "noon runs the largest subnet alone"
    night = [list(map(int, line[1:5])) for line in lines[:5]]
    assert not any(any(larger) for _, *larger in night)
    assert [small > 0 for small, *_ in night] == [True, False, False, False, False], (
        "the store, then the reserve"
    )
    assert all(float(line[-2]) >= 1 for line in lines), "the reserve"


def test_steps_of_the_cmake_readme_print_the_class_of_each_subnet(tmp_path: Path) -> None:
    if reason := missing("cmake"):
        pytest.skip(reason)
    assert run(steps("firmware-cmake"), tmp_path)[-len(expected()) :] == expected()
    assert (tmp_path / "build/_deps").is_dir(), "the runtime was not built from its sources"


def test_cmake_example_finds_an_installed_runtime(tmp_path: Path) -> None:
    if reason := missing("cmake"):
        pytest.skip(reason)
    install = "cmake -S $REDS/targets/runtime -B runtime; cmake --build runtime; "
    run(install + "cmake --install runtime --prefix installed", tmp_path)
    prefix = f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}"
    commands = steps("firmware-cmake").replace('-DREDS_RUNTIME="$REDS/targets/runtime"', prefix)
    assert prefix in commands
    assert run(commands, tmp_path)[-len(expected()) :] == expected()
    assert not (tmp_path / "build/_deps/reds-runtime-build").exists(), "the runtime was built again"


@pytest.mark.cross("arm-none-eabi-gcc")
@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.parametrize("layout", [CANONICAL, LAYOUTS[4]], ids=["canonical", "radix256"])
def test_steps_of_the_platformio_readme_print_the_class_of_each_subnet(
    layout: Layout, platformio: dict[str, str], tmp_path: Path
) -> None:
    converted = tmp_path / "converted.reds"
    converted.write_bytes(stored(pack.load(NET), layout))
    project = tmp_path / "project"
    project.mkdir()
    commands = steps("firmware-platformio")
    if layout is not CANONICAL:
        commands = commands.replace('"$REDS/fixtures/kws-dnn-s.reds"', str(converted))
        assert str(converted) in commands
    assert run(commands, project, **platformio)[-len(expected()) :] == expected()
