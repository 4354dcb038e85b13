"""The loader's choice on lesser x86 processors, in user-mode emulation: the reference's bits on each."""

import platform
from pathlib import Path

import pytest

from reds.pack import interpreter
from reds.pack.layouts import CANONICAL, LAYOUTS, Layout
from reds.pack.model import Model
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import dense_model, dnn_s, inputs, random_model
from tests.targets.support.compilation import shared
from tests.targets.support.cross import Cross
from tests.targets.support.models import stored
from tests.targets.support.status import Status

CPUS = {"max": LAYOUTS[6], "Nehalem": CANONICAL}
"""AVX2 without AVX-VNNI and AVX-512, which QEMU has not; neither, where the portable kernels are taken."""


COMPILER = "cc" if platform.machine() == "x86_64" else "x86_64-linux-gnu-gcc"

pytestmark = [pytest.mark.cross(COMPILER), pytest.mark.qemu("qemu-x86_64")]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Cross:
    return Cross(COMPILER, "qemu-x86_64", (), shared(tmp_path_factory, "x86"))


def nets() -> list[Model]:
    dense = dense_model([37, 70, 19, 6], [[20, 7, 6], [70, 19, 6]], seed=3, extreme=True)
    random = [*(random_model(seed, subnets=3) for seed in range(24)), *modern_nets(range(140, 150))]
    return [dnn_s(), dense, *random, *deep_nets(range(3))]


@pytest.mark.parametrize(("cpu", "layout"), CPUS.items(), ids=CPUS)
def test_every_net_has_the_references_bits(programs: Cross, tmp_path: Path, cpu: str, layout: Layout) -> None:
    program, file = programs.program("run_pack.c", flags=["-O1"]), tmp_path / "net.reds"
    for model in nets():
        x = inputs(model, 4)
        file.write_bytes(stored(model, layout))
        done = programs.run(program, cpu, str(file), stdin=x.tobytes())
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        assert (done.returncode, done.stdout) == (0, expected), (model.name, done.stderr)


def test_without_avx2_its_layout_is_refused(programs: Cross, tmp_path: Path) -> None:
    file = tmp_path / "net.reds"
    file.write_bytes(stored(dnn_s(), CPUS["max"]))
    done = programs.run(programs.program("run_pack.c", flags=["-O1"]), "Nehalem", str(file))
    assert done.returncode == Status.LAYOUT
