"""Each x86 kernel family gives the reference's bits for any net, under sanitizers."""

import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.pack import interpreter
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind, Model
from reds.pack.row_encoding import BIAS_SHIFTS, INT16_LIMIT
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import Maker, dense_model, dnn_s, inputs, random_model
from tests.targets.support.compilation import Compiler
from tests.targets.support.fuzz.mutations import seed_of
from tests.targets.support.models import stored
from tests.targets.support.status import Status
from tests.targets.support.x86 import FAMILIES, needs, stand_in

Check = Callable[[Model, np.ndarray], None]


@pytest.fixture(scope="module", params=[*sorted(FAMILIES), "the loader's choice"])
def check(
    request: pytest.FixtureRequest, compiler: Compiler, tmp_path_factory: pytest.TempPathFactory
) -> Check:
    """A check that all subnets of a model give the reference's outputs in one family."""
    named = request.param in FAMILIES
    needs(request.param if named else "reds_x86_avx2")
    options = {"family": request.param, "header": stand_in(request.param)} if named else {}
    program = compiler.program("run_pack.c", **options)
    file = tmp_path_factory.mktemp("net") / "net.reds"

    def check_(model: Model, x: np.ndarray) -> None:
        file.write_bytes(stored(model, LAYOUTS[6]))
        done = subprocess.run([program, file], input=x.tobytes(), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        expected = [interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets))]
        assert done.stdout == b"".join(expected)

    return check_


def test_dnn_s_equals_the_reference(check: Check) -> None:
    model = dnn_s()
    check(model, inputs(model, 64))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**20))
def test_every_kind_of_layer_equals_the_reference(check: Check, seed: int) -> None:
    model = random_model(seed, subnets=3)
    check(model, inputs(model, 4, seed))


def test_nets_with_left_out_blocks_and_activation_tables_equal_the_reference(check: Check) -> None:
    for model in deep_nets(range(400, 408)):
        check(model, inputs(model, 4))


def test_nets_of_modern_layers_equal_the_reference(check: Check) -> None:
    for model in modern_nets(range(100, 120)):
        check(model, inputs(model, 4))


@settings(max_examples=20)
@given(
    widths=st.lists(st.integers(1, 150), min_size=2, max_size=4),
    seed=st.integers(0, 2**16),
    extreme=st.booleans(),
)
def test_dense_nets_of_any_widths_equal_the_reference(
    check: Check, widths: list[int], seed: int, extreme: bool
) -> None:
    """One panel of rows to ten; the widths of subnets end anywhere in a panel and in a quad of inputs."""
    nested = [[max(1, w * part // 3) for w in widths[1:]] for part in (1, 2, 3)]
    model = dense_model(widths, nested, seed, extreme=extreme)
    check(model, inputs(model, 5, seed))


@settings(max_examples=20)
@given(
    side=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    units=st.tuples(*[st.integers(1, 140)] * 3),
    stride=st.sampled_from([(1, 1), (2, 2), (1, 2), (3, 1)]),
    seed=st.integers(0, 2**16),
    extreme=st.booleans(),
)
def test_wide_convolutions_and_pools_equal_the_reference(
    check: Check,
    side: tuple[int, int],
    units: tuple[int, int, int],
    stride: tuple[int, int],
    seed: int,
    extreme: bool,
) -> None:
    """More rows, units and positions than one vector or tile holds, and a part of one left over."""
    maker = Maker(*side, units[0], seed, extreme)
    maker.add(Kind.CONV, units[1], (3, 3), (1, 1), (1, 1, 1, 1), relu=True)
    block = maker.add(Kind.DEPTHWISE, 0, (3, 3), (1, 1), (1, 1, 1, 1))
    maker.add(Kind.DEPTHWISE, 0, (3, 3), (1, 1), (1, 1, 1, 1), relu=True)
    maker.add(Kind.ADD, other=block, relu=True)
    maker.add(Kind.DEPTHWISE, 0, (3, 3), stride, (1, 0, 1, 2))
    maker.add(Kind.CONV, units[2], relu=True)
    last = maker.tensors[-1]
    maker.add(Kind.MAX_POOL, kernel=(min(2, last.height), min(2, last.width)))
    maker.add(Kind.AVERAGE_POOL, kernel=(maker.tensors[-1].height, maker.tensors[-1].width))
    cut = [[max(1, n * part // 3) for n in units[1:]] for part in (1, 2, 3)]
    model = maker.build(cut, zero=-5)
    check(model, inputs(model, 3, seed))


def test_grouped_dilated_and_transposed_convolutions_equal_the_reference(check: Check) -> None:
    """Groups of any number of rows, windows with gaps at any stride, and inputs of few units spread out."""
    for seed, groups in enumerate((2, 3, 4)):
        maker = Maker(9, 7, 3, seed)
        maker.add(Kind.CONV, 8 * groups)
        maker.add(Kind.GROUPED, 10 * groups, (3, 3), (1, 2), (1, 1, 1, 1), groups=groups)
        maker.add(Kind.CONV, 5, (2, 3), padding=(1, 2, 1, 2), dilation=(2, 2))
        maker.add(Kind.DEPTHWISE, 0, (3, 3), (1 + seed % 2, 1), (2, 3, 2, 3), dilation=(2, 3))
        maker.add(Kind.CONV, 1 + seed)
        maker.add(Kind.TRANSPOSED, 19, (3, 2), (2, 1 + seed), (1, 0, 1, 1))
        maker.add(Kind.MAX_POOL, 0, (3, 3), (2, 1), (1, 1, 1, 1))
        maker.add(Kind.AVERAGE_POOL, 0, (2, 3), (1, 2), (1, 1, 1, 1))
        model = maker.build([[8, 3, 1, 7], [8 * groups, 5, 1 + seed, 19]])
        assert all(not LAYOUTS[6].refusal(layer, model.tensors[layer.inputs[0] :]) for layer in model.layers)
        check(model, inputs(model, 3, seed))


def test_largest_sum_and_bias_in_int32_are_exact(check: Check) -> None:
    """The largest fan-in and bias of the format, with all weights and inputs at their limits."""
    model = dense_model([65_535, 2], [[2]], 1, extreme=True)
    model.layers[0].weights[:] = [[127], [-127]]
    model.subnets[0].steps[0].bias[:] = [INT16_LIMIT << BIAS_SHIFTS[-1], -INT16_LIMIT << BIAS_SHIFTS[-1]]
    x = np.stack([np.full(65_535, 127), np.full(65_535, -127)]).astype(np.int8)
    check(model, x)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (4, 1 << 20),  # scratch outside the arena
        (4, 16),  # scratch on top of the input
        (8, 0),  # the table is the header, which holds no valid multiplier
        (12, 80),  # plain rows, which this layout does not have
    ],
)
def test_invalid_field_of_the_layout_is_refused(
    compiler: Compiler, tmp_path: Path, at: int, value: int
) -> None:
    needs("reds_x86_avx2")
    program, file = compiler.program("run_pack.c", family="reds_x86_avx2"), tmp_path / "net.reds"
    data = bytearray(stored(dense_model([8, 4], [[4]]), LAYOUTS[6]))
    struct.pack_into("<I", data, seed_of(bytes(data)).plans[0].steps[0] + at, value)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    file.write_bytes(data)
    done = subprocess.run([program, file], input=bytes(8), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (Status.MALFORMED, b"")
