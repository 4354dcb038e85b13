"""The aarch64 kernels in user-mode emulation: the reference's bits, with SDOT and without, every subnet."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reds import pack
from reds.pack import interpreter
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind, Model
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights
from tests.support.nets import Maker, dense_model, dnn_s, inputs, random_model
from tests.targets.conftest import NEON, SANITIZED
from tests.targets.cross import Cross
from tests.targets.test_fuzz import NETS

CPUS = {"baseline": "cortex-a72", "dotprod": "cortex-a76"}
"""A processor of each variant: the Pi 4's, and the first of its line with SDOT."""
FAST = ["-O3"]
MUTATED = 20_000
LAYOUT = LAYOUTS[3]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Cross:
    package = "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    folder = tmp_path_factory.mktemp("aarch64")
    programs = Cross("aarch64-linux-gnu-gcc", "qemu-aarch64", package, tuple(NEON), folder)
    programs.need()
    return programs


Check = Callable[[Model, np.ndarray], None]


@pytest.fixture(params=CPUS)
def equals_the_reference(request: pytest.FixtureRequest, programs: Cross, tmp_path: Path) -> Check:
    """Fails unless every subnet of a model gives the reference's bytes for these inputs."""

    def check(model: Model, x: np.ndarray) -> None:
        file = tmp_path / "net.reds"
        file.write_bytes(pack.dumps(model, LAYOUT))
        program = programs.compiled("run_pack.c", flags=FAST)
        done = programs.run(program, CPUS[request.param], str(file), stdin=x.tobytes())
        assert (done.returncode, done.stderr) == (0, b""), model.name
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        assert done.stdout == expected, model.name

    return check


@pytest.mark.parametrize("variant", CPUS)
def test_the_processor_decides_the_variant(programs: Cross, tmp_path: Path, variant: str) -> None:
    file = tmp_path / "net.reds"
    file.write_bytes(pack.dumps(dense_model([8, 4], [[4]]), LAYOUT))
    done = programs.run(programs.compiled("loaded_family.c", flags=FAST), CPUS[variant], str(file))
    assert done.stdout.decode().strip() == variant


def test_dnn_s(equals_the_reference: Check) -> None:
    equals_the_reference(dnn_s(), inputs(dnn_s(), 32))


@pytest.mark.parametrize("name", ["dnn-s", "cnn-s", "ds-cnn-s", "mobilenet-0.25", "resnet8"])
def test_the_nets(equals_the_reference: Check, name: str) -> None:
    model = with_random_weights(name, by_name(name))
    equals_the_reference(model, inputs(model, 3, seed=4))


def test_every_kind_of_layer(equals_the_reference: Check) -> None:
    for seed in range(60):
        model = random_model(seed, subnets=3)
        equals_the_reference(model, inputs(model, 4, seed))


def test_dense_layers_of_any_width(equals_the_reference: Check) -> None:
    rng = np.random.default_rng(11)
    for seed in range(16):
        widths = [int(w) for w in rng.integers(1, 70, rng.integers(2, 5))]
        nested = [[max(1, w * part // 3) for w in widths[1:]] for part in (1, 2, 3)]
        model = dense_model(widths, nested, seed, f"dense-{seed}", extreme=seed % 2 == 0)
        equals_the_reference(model, inputs(model, 5, seed))


def wide(units: int, cut: int) -> Model:
    """More units than a tile takes, cut where no block ends; weights at their limits."""
    maker = Maker(6, 5, units, units, extreme=True)
    maker.add(Kind.CONV, units, (3, 3), (1, 1), (1, 1, 1, 1), relu=True)
    maker.add(Kind.DEPTHWISE, 0, (3, 3), (2, 1), (1, 0, 0, 1))
    maker.add(Kind.CONV, units + 3)
    maker.add(Kind.CONV, units, (2, 3))
    maker.add(Kind.DEPTHWISE, 0, (2, 1))
    maker.add(Kind.AVERAGE_POOL, 0, (1, 2))
    return maker.build([[cut, cut + 1, cut - 1], [units, units + 3, units]], f"wide-{units}")


WIDE = [wide(16, 5), wide(33, 13), wide(40, 20), wide(48, 37)]


def at_the_end() -> list[Model]:
    """Nets in whose arena the last bytes are those that registers reach past: an input, windows, lines."""
    pointwise = Maker(2, 2, 12, 1)
    pointwise.add(Kind.CONV, 16)
    windows = Maker(6, 6, 1, 2)
    windows.add(Kind.CONV, 8)
    windows.add(Kind.CONV, 8, (2, 2))
    lines = Maker(8, 4, 4, 3)
    lines.add(Kind.DEPTHWISE, 0, (2, 1), padding=(1, 0, 0, 0))
    return [pointwise.build([[16]]), windows.build([[4, 8]]), lines.build([[]])]


def table_last() -> bytes:
    """A pack that ends in the table of four rows of a depthwise layer, the last of `at_the_end`."""
    data = bytearray(pack.dumps(at_the_end()[-1], LAYOUT))
    field = pack.HEADER.unpack_from(data)[11] + pack.PLAN.size + 20
    table = struct.unpack_from("<I", data, field)[0]
    struct.pack_into("<I", data, field, len(data))
    data += data[table : table + 32]
    struct.pack_into("<I", data, 8, len(data))
    return bytes(data)


def test_wide_layers_and_their_narrow_subnets(equals_the_reference: Check) -> None:
    for model in [*WIDE, *at_the_end()]:
        equals_the_reference(model, inputs(model, 4, seed=9))


def test_windows_of_an_average_larger_than_halfwords_hold(equals_the_reference: Check) -> None:
    for side in (16, 17):
        maker = Maker(side, side, 9, side)
        maker.add(Kind.AVERAGE_POOL, 0, (side, side))
        model = maker.build([[]], f"average-{side}")
        equals_the_reference(model, inputs(model, 3))


def test_a_sum_at_the_edge_of_int32(equals_the_reference: Check) -> None:
    """The largest fan-in there is; pairs of products reach 2 * 127^2, the most that a halfword holds."""
    model = dense_model([65_535, 3], [[3]], 1, extreme=True)
    model.layers[0].weights[:] = [[127], [-127], [127]]
    model.layers[0].weights[2, 1::2] = -127
    equals_the_reference(model, np.array([[127], [-127]], np.int8).repeat(65_535, axis=1))


@pytest.mark.parametrize("variant", CPUS)
def test_mutated_packs_stay_within_their_bounds(programs: Cross, tmp_path: Path, variant: str) -> None:
    packs = [*(pack.dumps(net, LAYOUT) for net in (*NETS, *WIDE, *at_the_end())), table_last()]
    seeds = [tmp_path / f"{i}.reds" for i in range(len(packs))]
    for file, data in zip(seeds, packs, strict=True):
        file.write_bytes(data)
    program = programs.compiled("fuzz/pack.c", "fuzz/driver.c", flags=SANITIZED)
    done = programs.run(program, CPUS[variant], str(MUTATED), "2", *map(str, seeds))
    assert (done.returncode, done.stderr) == (0, b"")
    accepted = int(done.stdout.split()[1])
    assert MUTATED // 20 < accepted < MUTATED - MUTATED // 20, "mutations no longer reach both sides"
