"""The pack survives a round trip, and nothing else is taken for a pack."""

import os
import re
import struct
import tracemalloc
import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.boards.capacity import check_capacity
from hil.firmware.build import targets_dir
from reds import pack
from reds.errors import PackError
from reds.pack import format as packed
from reds.pack.extract import subnet_flash
from reds.pack.format import HEADER, LAYER, MAGIC, PLAN, ROOM, STEP, TENSOR, UNDIVIDED
from reds.pack.layouts import LAYOUTS
from reds.pack.model import Kind, Model
from reds.pack.validate import validate_model
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import dense_model, dnn_s, random_model, roomy

SMALL = dense_model([12, 8, 4], [[4, 4], [8, 4]], 2)


def assert_equal(a: Model, b: Model) -> None:
    assert (a.name, a.tensors, a.input_zero) == (b.name, b.tensors, b.input_zero)
    assert np.float32(a.input_scale) == np.float32(b.input_scale)
    for one, other in zip(a.layers, b.layers, strict=True):
        for field in (
            "kind",
            "inputs",
            "output",
            "relu",
            "kernel",
            "stride",
            "padding",
            "dilation",
            "groups",
        ):
            assert getattr(one, field) == getattr(other, field)
        assert np.array_equal(one.weights, other.weights)
    for first, second in zip(a.subnets, b.subnets, strict=True):
        assert (first.name, first.macs, first.stands) == (second.name, second.macs, second.stands)
        for s, t in zip(first.steps, second.steps, strict=True):
            ours, theirs = ((x.layer, x.units_in, x.units_out, x.zero, x.factors) for x in (s, t))
            assert ours == theirs
            assert np.array_equal(s.bias, t.bias)
            assert np.array_equal(s.multiplier, t.multiplier)
            assert s.kernel_zero == t.kernel_zero
            if s.activation is not None and t.activation is not None:
                assert np.array_equal(s.activation.table, t.activation.table)
            assert (s.activation is None) == (t.activation is None)


@settings(max_examples=50)
@given(
    widths=st.lists(st.integers(1, 30), min_size=2, max_size=5),
    subnets=st.integers(1, 4),
    seed=st.integers(0, 999),
)
def test_round_trip_of_dense_nets(widths: list[int], subnets: int, seed: int) -> None:
    model = dense_model(
        widths, [[max(1, w * (s + 1) // subnets) for w in widths[1:]] for s in range(subnets)], seed
    )
    data = pack.dumps(model)
    assert_equal(pack.loads(data, "here"), model)
    assert pack.dumps(pack.loads(data, "here")) == data


@settings(max_examples=100)
@given(seed=st.integers(0, 2**20))
def test_round_trip_of_every_kind_of_layer(seed: int) -> None:
    model = random_model(seed)
    data = pack.dumps(model)
    assert_equal(pack.loads(data, "here"), model)
    assert pack.dumps(pack.loads(data, "here")) == data


@pytest.mark.parametrize("seed", range(12))
def test_round_trip_of_left_out_blocks_activation_tables_and_modern_layers(seed: int) -> None:
    for model in (*deep_nets([seed]), *modern_nets(range(3 * seed, 3 * seed + 3))):
        data = pack.dumps(model)
        assert_equal(pack.loads(data, "here"), model)
        assert pack.dumps(pack.loads(data, "here")) == data


def test_a_left_out_block_takes_no_step_and_no_table() -> None:
    """A subnet without the block costs a room for each tensor, steps and tables of what it runs."""
    model = next(model for model in deep_nets([0]) if model.subnets[0].stands)
    least, most = model.subnets[0], model.subnets[-1]
    assert len(least.steps) < len(most.steps)
    alone = [pack.dumps(replace(model, subnets=(subnet,))) for subnet in (least, most)]
    assert len(alone[0]) <= len(alone[1]) - STEP.size * (len(most.steps) - len(least.steps))


@settings(max_examples=300)
@given(at=st.integers(0, len(pack.dumps(SMALL)) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(at: int, bit: int) -> None:
    data = bytearray(pack.dumps(SMALL))
    data[at] ^= 1 << bit
    with pytest.raises(PackError, match=r"net\.reds"):
        pack.loads(bytes(data), "net.reds")


@settings(max_examples=300)
@given(cut=st.integers(0, len(pack.dumps(SMALL)) - 1))
def test_a_truncated_pack_is_refused(cut: int) -> None:
    with pytest.raises(PackError, match=r"net\.reds"):
        pack.loads(pack.dumps(SMALL)[:cut], "net.reds")


@settings(max_examples=500)
@given(
    edits=st.lists(
        st.tuples(st.integers(16, 400), st.sampled_from([0, 1, 2, 8, 127, 128, 255])), min_size=1, max_size=4
    )
)
def test_a_sealed_pack_with_changed_fields_is_refused_or_keeps_every_rule(
    edits: list[tuple[int, int]],
) -> None:
    data = bytearray(pack.dumps(SMALL))
    for at, value in edits:
        data[at] = value
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    try:
        model = pack.loads(bytes(data), "net.reds")
    except PackError:
        return
    validate_model(model)


@settings(max_examples=500)
@given(head=st.integers(0, len(pack.dumps(SMALL))), tail=st.binary(max_size=400))
def test_any_bytes_after_any_beginning_of_a_pack_raise_one_error_or_keep_every_rule(
    head: int, tail: bytes
) -> None:
    data = bytearray(pack.dumps(SMALL)[:head] + tail)
    if len(data) >= HEADER.size:
        struct.pack_into("<I", data, 8, len(data))
        struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    try:
        model = pack.loads(bytes(data), "net.reds")
    except PackError as refused:
        error = str(refused)
    else:
        validate_model(model)
        return
    assert error.startswith("net.reds: ")
    assert error.isprintable()


def pools(*sides: int) -> bytes:
    """Return a sealed pack of max pools between square tensors of these sides."""
    count = len(sides) - 1
    layers_at = HEADER.size + TENSOR.size * len(sides)
    plans_at = layers_at + LAYER.size * count
    tensors = b"".join(TENSOR.pack(side, side, 1, 0) for side in sides)
    layers = b"".join(
        LAYER.pack(Kind.MAX_POOL, 0, 1, 0, i, 0, 0, 0, *[min(a // b, 255)] * 4, 0, 0, 0, 0, *UNDIVIDED, 0, 0)
        for i, (a, b) in enumerate(pairwise(sides))
    )
    rooms_at = plans_at + PLAN.size
    steps_at = rooms_at + ROOM.size * len(sides)
    plan = PLAN.pack(b"100%", 0, 2**32 - 16, 0.1, rooms_at, steps_at, count)
    plan += b"".join(ROOM.pack(2**31 * (i % 2), 1, i, 0) for i in range(len(sides)))
    plan += b"".join(STEP.pack(i, 0, 0, 0, 0, 0) for i in range(count))
    size = plans_at + len(plan)
    counts = (len(sides), count, 1, 0, HEADER.size, layers_at, plans_at, size, 0.5, 0, b"hostile")
    data = bytearray(HEADER.pack(MAGIC, packed.VERSION, size, 0, *counts) + tensors + layers + plan)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    return bytes(data)


@pytest.mark.parametrize("sides", [(4000, 15, 1), (65_535, 257, 2), (65_535, 65_535)])
def test_sizes_are_refused_before_anything_of_them_is_made(sides: tuple[int, ...]) -> None:
    data = pools(*sides)
    tracemalloc.start()
    try:
        with pytest.raises(PackError, match=r"net\.reds.*tensor 0.*bytes"):
            pack.loads(data, "net.reds")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_steps_that_all_name_one_large_table_take_no_more_memory_than_the_file() -> None:
    """Sections must follow each other, so 64 subnets of 200 layers cannot read the same megabyte each."""
    model = dense_model([4] * 201, [[4] * 200], 1)
    subnets = tuple(replace(model.subnets[0], name=str(i)) for i in range(64))
    data = bytearray(pack.dumps(replace(model, subnets=subnets)))
    plans = HEADER.unpack_from(data)[10]
    for plan in range(plans, plans + 64 * PLAN.size, PLAN.size):
        rooms_at = PLAN.unpack_from(data, plan)[4]
        for room in range(rooms_at, rooms_at + 201 * ROOM.size, ROOM.size):
            struct.pack_into("<H", data, room + 4, 65_535)
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    tracemalloc.start()
    try:
        with pytest.raises(PackError, match=r"net\.reds"):
            pack.loads(bytes(data), "net.reds")
        assert tracemalloc.get_traced_memory()[1] < 16 * len(data)
    finally:
        tracemalloc.stop()


def test_a_pack_that_was_read_is_deployed_with_its_own_arena() -> None:
    """The board gets the bytes of the file, although the planner would place its tensors in another way."""
    data = pack.dumps(roomy(SMALL))
    assert data != pack.dumps(SMALL)
    model = pack.loads(data, "net.reds")
    assert check_capacity("desktop", model, frozenset({0}), len(data), 1 << 20) == data


def test_a_name_that_is_no_text_is_refused() -> None:
    data = bytearray(pack.dumps(SMALL))
    data[HEADER.size - 32] = 0xFF
    struct.pack_into("<I", data, 12, zlib.crc32(data[16:]))
    with pytest.raises(PackError, match=r"net\.reds.*name"):
        pack.loads(bytes(data), "net.reds")


def test_a_missing_pack_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"no\.reds.*No such file"):
        pack.load(tmp_path / "no.reds")


@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
def test_file_that_never_ends_is_refused(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PackError, match=r"regular"):
        pack.load(tmp_path / path)


def test_file_larger_than_any_pack_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "net.reds").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PackError, match=r"net\.reds.*larger than 4,294,967,295 bytes"):
        pack.load(tmp_path / "net.reds")


def test_a_device_layout_is_not_a_file_for_the_host() -> None:
    with pytest.raises(PackError, match=r"net\.reds.*device"):
        pack.loads(pack.dumps(SMALL, [LAYOUTS[4]] * 2), "net.reds")


def test_save_leaves_no_half_file(tmp_path: Path) -> None:
    data = pack.save(SMALL, tmp_path / "net.reds")
    assert [p.name for p in tmp_path.iterdir()] == ["net.reds"]
    assert (tmp_path / "net.reds").read_bytes() == data


def test_sizes_add_up() -> None:
    """Four subnets of DNN S: weights once, and tables of 8 bytes a unit."""
    model = dnn_s()
    sizes = pack.sizes(model)
    assert sizes.weights == 79_200
    assert sizes.tables == 8 * sum(step.units_out for s in model.subnets for step in s.steps)
    plans = 4 * (PLAN.size + 5 * ROOM.size + 4 * STEP.size)
    structure = HEADER.size + 5 * TENSOR.size + 4 * LAYER.size + plans
    assert 0 <= sizes.total - sizes.weights - sizes.tables - structure < 16 * 20


def test_sizes_count_what_subnets_share_once() -> None:
    for model in deep_nets(range(6)):
        data, sizes = pack.dumps(model), pack.sizes(model)
        tables_at = HEADER.unpack_from(data)[11]
        gaps = len(data) - tables_at - sizes.weights - sizes.tables
        assert 0 <= gaps < 16 * sum(len(subnet.steps) for subnet in model.subnets) * 2


def test_the_flash_of_a_subnet_has_its_activation_tables() -> None:
    plain, active = deep_nets([0])
    for s, subnet in enumerate(active.subnets):
        entries = 256 * sum(step.activation is not None for step in subnet.steps)
        assert subnet_flash(active, s) == subnet_flash(plain, s) + entries


def test_the_structs_are_those_of_the_c_header() -> None:
    """pack.h asserts its own sizes; both sides must mean the same numbers."""
    text = (targets_dir() / "runtime" / "pack.h").read_text()
    stated = {name: int(n) for name, n in re.findall(r"sizeof\(reds_(\w+)\) == (\d+)", text)}
    ours = {
        name.lower(): getattr(packed, name).size
        for name in ("HEADER", "TENSOR", "LAYER", "PLAN", "ROOM", "STEP")
    }
    assert stated == ours
    assert f"REDS_PACK_VERSION = {packed.VERSION}," in text
