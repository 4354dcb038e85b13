"""The Cortex-M4's kernels on an emulated application processor, which has the same instructions.

Here mutated packs meet sanitizers and memory that ends; the emulated board has neither.
"""

from pathlib import Path

import pytest

from reds.pack import interpreter
from reds.pack.layouts import LAYOUTS
from tests.support.nets import inputs
from tests.targets.support.compilation import shared
from tests.targets.support.cross import Cross
from tests.targets.support.fuzzing import ITERATIONS, SEED
from tests.targets.support.models import (
    NETS,
    cases,
    few_units,
    large_biases,
    plain_conv,
    pools_and_broadcasts,
    stored,
    windows,
)
from tests.targets.support.sources import CORTEX_M4

pytestmark = [pytest.mark.cross("arm-linux-gnueabihf-gcc"), pytest.mark.qemu("qemu-arm")]

CPU = "cortex-a7"
LAYOUT = LAYOUTS[4]
FLAGS = ("-mcpu=cortex-a7", "-mfpu=vfpv4", "-mthumb", "-O1", "-g")
UNDEFINED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
"""Without the address sanitizer, which does not see assembler; memory ends at pages that are not mapped."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Cross:
    folder = shared(tmp_path_factory, "arm")
    return Cross("arm-linux-gnueabihf-gcc", "qemu-arm", tuple(CORTEX_M4), folder)


def test_every_subnet_equals_the_reference(programs: Cross, tmp_path: Path) -> None:
    file = tmp_path / "net.reds"
    program = programs.program("run_pack.c", flags=[*FLAGS, *UNDEFINED])
    for model, layout in cases():
        if layout is LAYOUT:
            file.write_bytes(stored(model, layout))
            x = inputs(model, 3, seed=5)
            done = programs.run(program, CPU, str(file), stdin=x.tobytes())
            assert (done.returncode, done.stderr) == (0, b""), model.name
            expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
            assert done.stdout == expected, model.name


def test_last_outputs_stay_within_the_arena(programs: Cross, tmp_path: Path) -> None:
    """Kernels write words or windows of four outputs: the last ones would reach past the tensor."""
    file = tmp_path / "net.reds"
    program = programs.program("run_pack.c", flags=[*FLAGS, *UNDEFINED])
    for model in (*few_units(), *windows(), *pools_and_broadcasts()):
        file.write_bytes(stored(model, LAYOUT))
        x = inputs(model, 1)
        done = programs.run(program, CPU, str(file), "exact", stdin=x.tobytes())
        assert (done.returncode, done.stderr) == (0, b""), model.name
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        assert done.stdout == expected, model.name


def test_mutated_packs_are_refused_or_run_within_bounds(programs: Cross, tmp_path: Path) -> None:
    models = [*NETS, *windows()[::10], plain_conv(), large_biases()]
    seeds = [tmp_path / f"{i}.reds" for i in range(len(models))]
    for file, model in zip(seeds, models, strict=True):
        file.write_bytes(stored(model, LAYOUT))
    program = programs.program("fuzz/pack.c", "fuzz/driver.c", flags=[*FLAGS, *UNDEFINED])
    done = programs.run(program, CPU, str(ITERATIONS), str(SEED), *map(str, seeds))
    assert (done.returncode, done.stderr) == (0, b"")
    accepted = int(done.stdout.split()[1])
    assert ITERATIONS // 20 < accepted < ITERATIONS - ITERATIONS // 20, "mutations reach only one outcome"
