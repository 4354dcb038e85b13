"""The Cortex-M4's kernels on an application processor that has their instructions.

The board's emulator has no sanitizers, and memory without edges; here mutated packs meet both.
"""

from pathlib import Path

import pytest

from reds import pack, reference
from reds.layouts import LAYOUTS
from tests.nets import inputs
from tests.targets.conftest import TARGETS, shared
from tests.targets.cross import Cross
from tests.targets.test_emulated_kernels import cases, large_biases, plain_conv
from tests.targets.test_fuzz import ITERATIONS, NETS, SEED

CPU = "cortex-a7"
LAYOUT = LAYOUTS[1]
KERNELS = sorted((TARGETS / "runtime/kernels/cortex_m4").glob("*.[cS]"))
FLAGS = ("-mcpu=cortex-a7", "-mfpu=vfpv4", "-mthumb", "-O1", "-g")
UNDEFINED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
"""Not of addresses: assembler is not seen by it, so the program's memory ends at pages that are not there."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Cross:
    package = "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross"
    folder = shared(tmp_path_factory, "arm")
    programs = Cross("arm-linux-gnueabihf-gcc", "qemu-arm", package, tuple(KERNELS), folder)
    programs.need()
    return programs


def test_every_subnet_equals_the_reference(programs: Cross, tmp_path: Path) -> None:
    file = tmp_path / "net.reds"
    program = programs.compiled("run_pack.c", flags=[*FLAGS, *UNDEFINED])
    for model, layout in cases():
        if layout is LAYOUT:
            file.write_bytes(pack.dumps(model, layout))
            x = inputs(model, 3, seed=5)
            done = programs.run(program, CPU, str(file), stdin=x.tobytes())
            assert (done.returncode, done.stderr) == (0, b""), model.name
            expected = b"".join(reference.run(model, s, x).tobytes() for s in range(len(model.subnets)))
            assert done.stdout == expected, model.name


def test_mutated_packs_stay_within_their_bounds(programs: Cross, tmp_path: Path) -> None:
    models = [net for net in (*NETS, plain_conv(), large_biases()) if all(map(LAYOUT.runs, net.layers))]
    seeds = [tmp_path / f"{i}.reds" for i in range(len(models))]
    for file, model in zip(seeds, models, strict=True):
        file.write_bytes(pack.dumps(model, LAYOUT))
    program = programs.compiled("fuzz/pack.c", "fuzz/driver.c", flags=[*FLAGS, *UNDEFINED])
    done = programs.run(program, CPU, str(ITERATIONS), str(SEED), *map(str, seeds))
    assert (done.returncode, done.stderr) == (0, b"")
    accepted = int(done.stdout.split()[1])
    assert ITERATIONS // 20 < accepted < ITERATIONS - ITERATIONS // 20, "mutations no longer reach both sides"
