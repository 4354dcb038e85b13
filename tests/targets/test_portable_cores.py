"""The portable kernels on processors that have no others: the reference's bits, few instructions."""

from pathlib import Path

import pytest

from reds import pack
from reds.pack import interpreter
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights
from tests.support.modern import modern_nets
from tests.support.nets import inputs, random_model
from tests.targets.portable_costs import instructions
from tests.targets.support import bare
from tests.targets.support.compilation import locked, shared
from tests.targets.support.models import along_lines, corners

pytestmark = [
    pytest.mark.cross("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"),
    pytest.mark.qemu("qemu-arm", "qemu-riscv32"),
]

LIMITS = {"cortex-m0plus": 21_000_000, "cortex-m3": 10_600_000, "rv32imac": 14_200_000}
"""Most instructions of an inference of DS-CNN S: 5 % more than it took."""
BUILDS = {
    **{core: (core, ("-O3",)) for core in bare.CORES},
    "cortex-m3 for size": ("cortex-m3", ("-Os", "-flto")),
}


@pytest.fixture(params=BUILDS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bare.Bare:
    core, flags = BUILDS[request.param]
    folder = shared(tmp_path_factory, "bare")
    with locked(folder):
        return bare.build(folder / request.param.replace(" ", "-"), bare.CORES[core], *flags)


def test_every_subnet_equals_the_reference(program: bare.Bare, tmp_path: Path) -> None:
    file = tmp_path / "net.reds"
    for model in [
        *map(random_model, range(300, 306)),
        *modern_nets(range(300, 306)),
        *along_lines()[:3],
        *corners(),
    ]:
        file.write_bytes(pack.dumps(model))
        x = inputs(model, 3)
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        assert program.run(file, x.tobytes()).output == expected, model.name


@pytest.mark.parametrize("program", LIMITS, indirect=True)
def test_a_net_takes_few_instructions(program: bare.Bare, tmp_path: Path) -> None:
    core = next(name for name, each in bare.CORES.items() if each == program.core)
    net = with_random_weights("ds-cnn-s", by_name("ds-cnn-s"))
    *_, largest = instructions(program, net, tmp_path)
    assert 0.9 * LIMITS[core] < largest < LIMITS[core], "fewer than expected: lower the limit"
