"""The portable runtime gives the reference's bits, and refuses invalid packs, under sanitizers."""

import ctypes
import struct
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import pack
from reds.pack import interpreter, layouts
from reds.pack.format import HEADER, STEP
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Model
from tests.support.depth import deep_nets
from tests.support.modern import MODERN, modern_nets
from tests.support.nets import dense_model, dnn_s, inputs, random_model
from tests.targets.support.compilation import Compiler
from tests.targets.support.fuzz.mutations import seed_of
from tests.targets.support.models import stored
from tests.targets.support.status import Status


@pytest.fixture(scope="session")
def run_pack(compiler: Compiler) -> Path:
    return compiler.program("run_pack.c")


def run(program: Path, data: bytes, x: np.ndarray, folder: Path) -> subprocess.CompletedProcess[bytes]:
    file = folder / "net.reds"
    file.write_bytes(data)
    return subprocess.run([str(program), str(file)], input=x.tobytes(), capture_output=True, check=False)


def expected(model: Model, x: np.ndarray) -> bytes:
    return b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))


def refusal(done: subprocess.CompletedProcess[bytes]) -> Status:
    """Return the status with which `run_pack` refused its pack."""
    assert done.stderr == b"", "a sanitizer complained"
    return Status(done.returncode)


def reseal(data: bytearray) -> bytes:
    """Return the pack with its checksum made valid."""
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    return bytes(data)


def test_every_subnet_of_dnn_s_equals_the_reference(run_pack: Path, tmp_path: Path) -> None:
    model = dnn_s()
    x = inputs(model, 64)
    done = run(run_pack, pack.dumps(model), x, tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == expected(model, x)


@pytest.mark.parametrize("seed", range(4))
def test_getters_give_the_input_s_scale_and_zero_and_each_arena(runtime: ctypes.CDLL, seed: int) -> None:
    net = dense_model([8, 6, 4], [[2, 4], [3, 4], [6, 4]], seed=seed)
    model = replace(net, input_scale=0.25 + seed, input_zero=seed - 100)
    data = pack.dumps(model)
    words = (ctypes.c_uint64 * (len(data) // 8 + 1)).from_buffer_copy(data.ljust(len(data) // 8 * 8 + 8))
    arena, loaded = (ctypes.c_uint64 * (1 << 17))(), (ctypes.c_uint64 * 16)()
    place = ctypes.addressof(arena) + -ctypes.addressof(arena) % 16
    size = ctypes.c_size_t(len(data)), ctypes.c_void_p(place), ctypes.c_size_t((1 << 20) - 16)
    assert runtime.reds_load(loaded, words, *size) == Status.OK
    runtime.reds_input_scale.restype = ctypes.c_float
    assert runtime.reds_input_scale(loaded) == 0.25 + seed
    assert runtime.reds_input_zero(loaded) == seed - 100
    arenas = [layouts.plan(model, i, layouts.canonical(model)).size for i in range(3)]
    assert [runtime.reds_arena_bytes(loaded, i) for i in range(4)] == [*arenas, 0]


@settings(max_examples=40)
@given(
    widths=st.lists(st.integers(1, 40), min_size=2, max_size=5),
    subnets=st.integers(1, 3),
    seed=st.integers(0, 2**16),
    extreme=st.booleans(),
)
def test_dense_nets_of_any_widths_equal_the_reference(
    run_pack: Path,
    tmp_path_factory: pytest.TempPathFactory,
    widths: list[int],
    subnets: int,
    seed: int,
    extreme: bool,
) -> None:
    nested = [[max(1, w * (s + 1) // subnets) for w in widths[1:]] for s in range(subnets)]
    model = dense_model(widths, nested, seed, extreme=extreme)
    x = inputs(model, 5, seed)
    done = run(run_pack, pack.dumps(model), x, tmp_path_factory.mktemp("net"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == expected(model, x)


@settings(max_examples=80)
@given(seed=st.integers(0, 2**20))
def test_every_kind_of_layer_equals_the_reference(
    run_pack: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    model = random_model(seed, subnets=3)
    x = inputs(model, 4, seed)
    done = run(run_pack, pack.dumps(model), x, tmp_path_factory.mktemp("net"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == expected(model, x)


def test_nets_with_left_out_blocks_and_activation_tables_equal_the_reference(
    run_pack: Path, tmp_path: Path
) -> None:
    for model in deep_nets(range(100, 115)):
        x = inputs(model, 4)
        done = run(run_pack, pack.dumps(model), x, tmp_path)
        assert (done.returncode, done.stderr) == (0, b""), model.name
        assert done.stdout == expected(model, x), model.name


def test_modern_layers_equal_the_reference(run_pack: Path, tmp_path: Path) -> None:
    nets = modern_nets(range(1000, 1060))
    assert {layer.kind for net in nets for layer in net.layers} >= set(MODERN)
    for model in nets:
        x = inputs(model, 4)
        done = run(run_pack, pack.dumps(model), x, tmp_path)
        assert (done.returncode, done.stderr) == (0, b""), model.name
        assert done.stdout == expected(model, x), model.name


def test_largest_sum_in_int32_is_exact(run_pack: Path, tmp_path: Path) -> None:
    """The largest fan-in of the format, with all weights and inputs at their limits: 65,535 * 127^2."""
    model = dense_model([65_535, 2], [[2]], 1, extreme=True)
    model.layers[0].weights[:] = [[127], [-127]]
    x = np.full((1, 65_535), 127, np.int8)
    done = run(run_pack, pack.dumps(model), x, tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == expected(model, x)


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        (lambda d: d[:40], Status.TRUNCATED),
        (lambda d: d[:-1], Status.TRUNCATED),
        (lambda d: b"SDER" + d[4:], Status.NO_PACK),
        (lambda d: d[:4] + b"\x63" + d[5:], Status.VERSION),
        (lambda d: d[:6] + b"\x01" + d[7:], Status.VERSION),
        (lambda d: d[:-1] + bytes([d[-1] ^ 4]), Status.CHECKSUM),
    ],
)
def test_damaged_pack_is_refused_with_its_status(
    run_pack: Path, tmp_path: Path, damage: object, status: Status
) -> None:
    data = pack.dumps(dense_model([8, 4], [[4]]))
    done = run(run_pack, damage(data), np.zeros((1, 8), np.int8), tmp_path)  # type: ignore[operator]
    assert refusal(done) is status


# Invalid fields under a valid checksum: (section, offset in it, type, value, status). Rooms are of 12 bytes.
FIELDS = [
    ("layers", 0, "B", 19, Status.UNSUPPORTED),  # an unknown kind
    ("layers", 0, "B", 3, Status.MALFORMED),  # depthwise that writes more units than it reads
    ("layers", 0, "B", 6, Status.MALFORMED),  # an addition of one tensor
    ("layers", 0, "B", 7, Status.MALFORMED),  # a flatten that writes fewer units than it reads
    ("layers", 2, "B", 2, Status.MALFORMED),  # two inputs
    ("layers", 3, "B", 1, Status.LAYOUT),  # another processor's layout
    ("layers", 3, "B", 4, Status.LAYOUT),  # a layout that is not defined
    ("layers", 3, "B", 255, Status.LAYOUT),
    ("layers", 12, "B", 2, Status.MALFORMED),  # a dense layer with a kernel
    ("layers", 15, "B", 2, Status.MALFORMED),  # with a stride
    ("layers", 18, "B", 1, Status.MALFORMED),  # with padding
    ("layers", 4, "H", 7, Status.MALFORMED),  # reads a tensor that does not exist
    ("layers", 24, "I", 1 << 20, Status.MALFORMED),  # weights outside the file
    ("layers", 28, "I", 31, Status.MALFORMED),  # too few weights
    ("tensors", 0, "H", 2, Status.MALFORMED),  # dense reads 1 x 1
    ("plans", 8 + 4, "I", 1 << 30, Status.ARENA),
    ("plans", 28, "I", 2, Status.MALFORMED),  # more steps than layers
    ("plans", 28, "I", 1 << 31, Status.MALFORMED),
    ("rooms", 4, "H", 9, Status.MALFORMED),  # an input of more units than the tensor has
    ("rooms", 12 + 4, "H", 0, Status.MALFORMED),  # an output that is left out
    ("rooms", 12 + 4, "H", 5, Status.MALFORMED),  # more units than the layer has
    ("rooms", 0, "I", 1 << 20, Status.MALFORMED),  # an input outside the arena
    ("rooms", 0, "I", 0xFFFFFFF0, Status.MALFORMED),
    ("rooms", 12, "I", 0, Status.MALFORMED),  # an output on top of the input
    ("rooms", 12 + 6, "H", 0, Status.MALFORMED),  # an output that stands for the input
    ("rooms", 12 + 6, "H", 65_535, Status.MALFORMED),  # for a tensor that does not exist
    ("rooms", 12 + 8, "b", -128, Status.MALFORMED),  # a zero point outside [-127, 127]
    ("steps", 0, "H", 1, Status.MALFORMED),  # a layer that does not exist
    ("steps", 0, "H", 65_535, Status.MALFORMED),
    ("steps", 2, "b", -128, Status.MALFORMED),
    ("steps", 4, "I", 0xFFFFFFF0, Status.MALFORMED),  # scratch outside the arena
    ("steps", 8, "I", 1 << 20, Status.MALFORMED),  # a table outside the file
    ("steps", 16, "I", 1 << 20, Status.MALFORMED),  # an activation table outside the file
    ("steps", 16, "I", 0xFFFFFFFC, Status.MALFORMED),
]


@pytest.mark.parametrize(("section", "at", "code", "value", "status"), FIELDS)
def test_invalid_field_is_refused(
    run_pack: Path, tmp_path: Path, section: str, at: int, code: str, value: int, status: Status
) -> None:
    data = bytearray(pack.dumps(dense_model([8, 4], [[4]])))
    seed = seed_of(bytes(data))
    plan = seed.plans[0]
    sections = {"tensors": HEADER.size, "layers": seed.layers[0], "plans": plan.at}
    start = (sections | {"rooms": plan.rooms[0], "steps": plan.steps[0]})[section]
    struct.pack_into("<" + code, data, start + at, value)
    done = run(run_pack, reseal(data), np.zeros((1, 8), np.int8), tmp_path)
    assert refusal(done) is status


# Invalid headers, each consistent in itself: edits of (offset, type, value).
HEADERS = [
    [(18, "H", 0), (16, "H", 1)],  # no layers
    [(20, "H", 0)],  # no subnets
    [(20, "H", 64)],  # plans past the end of the file
    [(16, "H", 3)],  # a tensor that no layer writes
    [(36, "I", 216)],  # tables before the end of the steps
    [(36, "I", 1 << 20)],  # steps that end outside the file
    [(24, "I", 1 << 20)],  # tensors outside the file
    [(28, "I", 1 << 20)],
    [(32, "I", 1 << 20)],
    [(32, "I", 129)],  # not aligned
    [(84, "H", 0), (160 + 4, "H", 0)],  # an input of no units, all the way through
]


@pytest.mark.parametrize("edits", HEADERS)
def test_invalid_header_is_refused(run_pack: Path, tmp_path: Path, edits: list[tuple[int, str, int]]) -> None:
    data = bytearray(pack.dumps(dense_model([8, 4], [[4]])))
    for at, code, value in edits:
        struct.pack_into("<" + code, data, at, value)
    done = run(run_pack, reseal(data), np.zeros((1, 8), np.int8), tmp_path)
    assert refusal(done) is Status.MALFORMED


@pytest.mark.parametrize(("offset", "valid"), [(2048, True), (2056, False)])
def test_tensor_at_an_unaligned_arena_offset_is_refused(
    run_pack: Path, tmp_path: Path, offset: int, valid: bool
) -> None:
    """A tensor may lie anywhere in a larger arena, as long as its offset is a multiple of 16."""
    data = bytearray(pack.dumps(dense_model([8, 4], [[4]])))
    plan = seed_of(bytes(data)).plans[0]
    struct.pack_into("<I", data, plan.at + 12, 4096)
    struct.pack_into("<I", data, plan.rooms[1], offset)
    done = run(run_pack, reseal(data), np.zeros((1, 8), np.int8), tmp_path)
    assert (done.returncode == 0) == valid


@pytest.mark.parametrize(("row", "value"), [(0, 1 << 30), (1, -(1 << 30)), (4, 255)])
def test_bias_or_multiplier_that_could_overflow_is_refused(
    run_pack: Path, tmp_path: Path, row: int, value: int
) -> None:
    """Rows 0 to 3 of the table are biases, 4 to 7 multipliers."""
    model = dense_model([8, 4], [[4]])
    data = bytearray(pack.dumps(model))
    table = STEP.unpack_from(data, seed_of(bytes(data)).plans[0].steps[0])[3]
    struct.pack_into("<i", data, table + 4 * row, value)
    done = run(run_pack, reseal(data), np.zeros((1, 8), np.int8), tmp_path)
    assert refusal(done) is Status.MALFORMED


def test_subnets_out_of_order_are_refused(run_pack: Path, tmp_path: Path) -> None:
    """The plans of two subnets change places with their rooms and their steps."""
    data = bytearray(pack.dumps(dense_model([8, 8, 4], [[4, 4], [8, 4]])))
    small, large = seed_of(bytes(data)).plans
    between = large.rooms[0] - small.rooms[0]
    for one, other, size in ((small.at, large.at, 20), (small.rooms[0], large.rooms[0], between)):
        first, second = data[one : one + size], data[other : other + size]
        data[one : one + size], data[other : other + size] = second, first
    done = run(run_pack, reseal(data), np.zeros((1, 8), np.int8), tmp_path)
    assert refusal(done) is Status.MALFORMED


def test_pack_in_a_layout_without_kernels_is_refused(run_pack: Path, tmp_path: Path) -> None:
    data = stored(dense_model([8, 4], [[4]]), LAYOUTS[4])
    done = run(run_pack, data, np.zeros((1, 8), np.int8), tmp_path)
    assert refusal(done) is Status.LAYOUT
