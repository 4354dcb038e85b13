"""The aarch64 kernels, with SDOT and without, give the reference's bits in user-mode emulation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reds.pack import interpreter
from reds.pack.model import Kind, Model
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import Maker, dense_model, dnn_s, inputs, random_model
from tests.targets.support.compilation import shared
from tests.targets.support.cross import Cross
from tests.targets.support.models import NEON_LAYOUT, NETS, WIDE, at_the_arena_end, stored
from tests.targets.support.sources import NEON, SANITIZED

pytestmark = [pytest.mark.cross("aarch64-linux-gnu-gcc"), pytest.mark.qemu("qemu-aarch64")]

CPUS = {"baseline": "cortex-a72", "dotprod": "cortex-a76"}
"""A processor of each variant: the Pi 4's, and the first of its line with SDOT."""
FAST = ["-O3"]
MOST_SEEDS = 64
"""Packs that the fuzz driver takes."""
MUTATED = 5_000


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Cross:
    folder = shared(tmp_path_factory, "aarch64")
    return Cross("aarch64-linux-gnu-gcc", "qemu-aarch64", tuple(NEON), folder)


Check = Callable[[Model, np.ndarray], None]


@pytest.fixture(params=CPUS)
def equals_the_reference(request: pytest.FixtureRequest, programs: Cross, tmp_path: Path) -> Check:
    """A check that every subnet of a model gives the reference's bytes for some inputs."""

    def check(model: Model, x: np.ndarray) -> None:
        file = tmp_path / "net.reds"
        file.write_bytes(stored(model, NEON_LAYOUT))
        program = programs.program("run_pack.c", flags=FAST)
        done = programs.run(program, CPUS[request.param], str(file), stdin=x.tobytes())
        assert (done.returncode, done.stderr) == (0, b""), model.name
        expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
        assert done.stdout == expected, model.name

    return check


@pytest.mark.parametrize("variant", CPUS)
def test_loader_takes_the_variant_of_the_processor(programs: Cross, tmp_path: Path, variant: str) -> None:
    file = tmp_path / "net.reds"
    file.write_bytes(stored(dense_model([8, 4], [[4]]), NEON_LAYOUT))
    done = programs.run(programs.program("loaded_family.c", flags=FAST), CPUS[variant], str(file))
    assert done.stdout.decode().strip() == variant


def test_dnn_s_equals_the_reference(equals_the_reference: Check) -> None:
    equals_the_reference(dnn_s(), inputs(dnn_s(), 32))


@pytest.mark.parametrize("name", ["dnn-s", "cnn-s", "ds-cnn-s", "mobilenet-0.25", "resnet8"])
def test_nets_of_the_zoo_equal_the_reference(equals_the_reference: Check, name: str) -> None:
    model = with_random_weights(name, by_name(name))
    equals_the_reference(model, inputs(model, 3, seed=4))


def test_every_kind_of_layer_equals_the_reference(equals_the_reference: Check) -> None:
    nets = [*(random_model(seed, subnets=3) for seed in range(25)), *deep_nets(range(300, 306))]
    for model in [*nets, *modern_nets(range(120, 140))]:
        equals_the_reference(model, inputs(model, 4))


def test_dense_layers_of_any_width_equal_the_reference(equals_the_reference: Check) -> None:
    rng = np.random.default_rng(11)
    for seed in range(16):
        widths = [int(w) for w in rng.integers(1, 70, rng.integers(2, 5))]
        nested = [[max(1, w * part // 3) for w in widths[1:]] for part in (1, 2, 3)]
        model = dense_model(widths, nested, seed, f"dense-{seed}", extreme=seed % 2 == 0)
        equals_the_reference(model, inputs(model, 5, seed))


def test_wide_layers_and_their_narrow_subnets_equal_the_reference(equals_the_reference: Check) -> None:
    for model in [*WIDE, *at_the_arena_end()]:
        equals_the_reference(model, inputs(model, 4, seed=9))


@pytest.mark.parametrize(("groups", "reads", "writes"), [(2, 4, 8), (3, 8, 4), (5, 4, 20), (2, 20, 36)])
def test_grouped_convolutions_equal_the_reference(
    equals_the_reference: Check, groups: int, reads: int, writes: int
) -> None:
    """Subnets keep whole groups."""
    for window in (
        {"kernel": (1, 1)},
        {"kernel": (3, 2), "padding": (1, 0, 1, 1), "stride": (1, 2)},
        {"kernel": (2, 2), "dilation": (1, 3)},
    ):
        maker = Maker(5, 7, 3, groups)
        maker.add(Kind.CONV, groups * reads)
        maker.add(Kind.GROUPED, groups * writes, groups=groups, **window)
        model = maker.build([[reads], [groups * reads]], f"grouped-{groups}")
        equals_the_reference(model, inputs(model, 2))


@pytest.mark.parametrize("units", [1, 3, 4, 6, 16])
def test_transposed_convolutions_equal_the_reference(equals_the_reference: Check, units: int) -> None:
    for kernel, stride, padding in (
        ((2, 2), (2, 2), (0, 0, 0, 0)),
        ((4, 3), (3, 1), (1, 2, 3, 0)),
        ((1, 1), (2, 3), (0, 0, 0, 0)),
    ):
        maker = Maker(4, 5, 2, units)
        maker.add(Kind.CONV, units)
        maker.add(Kind.TRANSPOSED, 7, kernel, stride, padding)
        model = maker.build([[(units + 1) // 2, 3], [units, 7]], f"transposed-{units}")
        equals_the_reference(model, inputs(model, 2))


@pytest.mark.parametrize("units", [1, 2, 3, 5, 9, 17, 36])
def test_values_in_runs_of_any_length_equal_the_reference(equals_the_reference: Check, units: int) -> None:
    """The second inputs repeat a row, a column, and the only value of each unit."""
    for kernel in ((5, 1), (1, 3), (5, 3)):
        maker = Maker(5, 3, 2, units)
        maker.add(Kind.CONV, units)
        maker.add(Kind.AVERAGE_POOL, 0, kernel)
        maker.add(Kind.MULTIPLY, inputs=(1, 2))
        maker.add(Kind.ADD, inputs=(3, 2))
        maker.add(Kind.CONCAT, inputs=(1, 4, 3))
        maker.add(Kind.PRELU)
        model = maker.build([[(units + 1) // 2], [units]], f"values-{units}")
        equals_the_reference(model, inputs(model, 2))


@pytest.mark.parametrize(("positions", "heads", "units"), [(3, 2, 8), (4, 1, 9), (7, 3, 8), (21, 2, 20)])
def test_attentions_equal_the_reference(
    equals_the_reference: Check, positions: int, heads: int, units: int
) -> None:
    """Subnets keep whole heads."""
    maker = Maker(positions, 1, 5, units)
    for source in range(3):
        maker.add(Kind.CONV, heads * units, inputs=(source,))
    maker.add(Kind.ATTENTION, inputs=(1, 2, 3), groups=heads)
    model = maker.build([[units] * 3, [heads * units] * 3], f"attention-{heads}-{units}")
    equals_the_reference(model, inputs(model, 2))


def test_average_over_more_values_than_a_halfword_can_sum_is_exact(equals_the_reference: Check) -> None:
    for side in (16, 17):
        maker = Maker(side, side, 9, side)
        maker.add(Kind.AVERAGE_POOL, 0, (side, side))
        model = maker.build([[]], f"average-{side}")
        equals_the_reference(model, inputs(model, 3))


def test_largest_sum_in_int32_is_exact(equals_the_reference: Check) -> None:
    """The largest fan-in of the format; pairs of products reach 2 * 127^2, which a halfword just holds."""
    model = dense_model([65_535, 3], [[3]], 1, extreme=True)
    model.layers[0].weights[:] = [[127], [-127], [127]]
    model.layers[0].weights[2, 1::2] = -127
    equals_the_reference(model, np.array([[127], [-127]], np.int8).repeat(65_535, axis=1))


@pytest.mark.parametrize("variant", CPUS)
def test_mutated_packs_are_refused_or_run_within_bounds(
    programs: Cross, tmp_path: Path, variant: str
) -> None:
    packs = [stored(net, NEON_LAYOUT) for net in (*NETS, *WIDE, *at_the_arena_end())][-MOST_SEEDS:]
    seeds = [tmp_path / f"{i}.reds" for i in range(len(packs))]
    for file, data in zip(seeds, packs, strict=True):
        file.write_bytes(data)
    program = programs.program("fuzz/pack.c", "fuzz/driver.c", flags=SANITIZED)
    done = programs.run(program, CPUS[variant], str(MUTATED), "2", *map(str, seeds))
    assert (done.returncode, done.stderr) == (0, b"")
    accepted = int(done.stdout.split()[1])
    assert MUTATED // 20 < accepted < MUTATED - MUTATED // 20, "mutations reach only one outcome"
