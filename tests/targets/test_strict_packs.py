"""Both ends refuse a pack that the writer would not write, each rule by itself."""

import ctypes
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from reds import pack
from reds.pack.format import HEADER, LAYER, PLAN, STEP
from tests.support.nets import dense_model, roomy
from tests.targets.support.fuzz.differential import residual, shared_table
from tests.targets.support.fuzz.mutations import seed_of
from tests.targets.support.fuzz.verdicts import read, seal
from tests.targets.support.status import Status

# Each edit of a valid pack breaks one rule that only the writer's own bytes keep.
PLANS = HEADER.unpack_from(pack.dumps(residual()))[11]
LAYERS = HEADER.unpack_from(pack.dumps(residual()))[10]
STEPS = PLANS + PLAN.size
PLAN_BYTES = PLAN.size + 6 * STEP.size
ADD = 3
EDITS = {
    "unknown flag of the header": (22, "H", 2),
    "input's scale of 0": (40, "f", 0.0),
    "input's scale below 0": (40, "f", -0.5),
    "infinite scale": (40, "f", float("inf")),
    "scale that is no number": (40, "f", float("nan")),
    "subnormal scale": (40, "I", 0x007FFFFF),
    "output's scale that is no number": (PLANS + 16, "f", float("nan")),
    "input's zero point outside int8": (44, "i", 1000),
    "input's zero point of -128": (44, "i", -128),
    "text after the end of the name": (48 + 20, "B", 65),
    "reserved field of a tensor": (80 + 6, "H", 1),
    "reserved byte of a layer": (LAYERS + 3, "B", 1),
    "reserved field of a layer": (LAYERS + 10, "H", 1),
    "second input of a layer that reads one": (LAYERS + LAYER.size + 6, "H", 1),
    "relu of 2": (LAYERS + 1, "B", 2),
    "weights of a layer that has none": (LAYERS + 3 * LAYER.size + 20, "I", 80),
    "MACs": (PLANS + 8, "I", 1),
    "reserved field of a plan": (PLANS + 20, "I", 1),
    "zero point of an input": (STEPS + 29, "b", 17),
    "reserved field of a step": (STEPS + 30, "H", 1),
    "plain rows of the canonical layout": (STEPS + 24, "I", 80),
    "table of a step elsewhere": (STEPS + 20, "I", 80),
    "place of an input that was not written there": (STEPS + STEP.size + 4, "I", 16),
    "name of a subnet used twice": (PLANS + PLAN_BYTES, "Q", int.from_bytes(b"50%", "little")),
}


@pytest.mark.parametrize(("at", "code", "value"), EDITS.values(), ids=EDITS)
def test_what_the_writer_would_not_write_is_refused_by_both(
    runtime: ctypes.CDLL, at: int, code: str, value: float
) -> None:
    data = bytearray(pack.dumps(residual()))
    struct.pack_into("<" + code, data, at, value)
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


# Layer of `residual`, entry of its table in the smaller subnet, and an invalid value. The convolution has two
# rows.
ENTRIES = {
    "bias past the last row": (0, 2, 1),
    "multiplier past the last row": (0, 7, 256),
    "bias of more than 16 bits": (0, 0, 65_537),
    "multiplier of more than 16 bits": (0, 4, 256 * 65_537),
    "multiplier with too large a power of two": (0, 4, 32_767 << 16),
    "multiplier that is no multiple of 256": (0, 4, 255),
    "bias of an average of 2^30": (4, 0, 1 << 30),
    "factor of an average of 2^15": (4, 1, 1 << 15),
    "second factor of an average": (4, 2, 5),
    "fourth bias of an average": (4, 3, 5),
    "second multiplier of an average": (4, 5, 256),
    "fourth bias of an addition": (ADD, 3, 5),
}


@pytest.mark.parametrize(("layer", "entry", "value"), ENTRIES.values(), ids=ENTRIES)
def test_table_that_the_writer_would_not_write_is_refused_by_both(
    runtime: ctypes.CDLL, layer: int, entry: int, value: int
) -> None:
    data = bytearray(pack.dumps(residual()))
    table = STEP.unpack_from(data, STEPS + layer * STEP.size)[6]
    struct.pack_into("<i", data, table + 4 * entry, value)
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


def test_arena_that_overwrites_a_tensor_before_its_last_reader_is_refused_by_both(
    runtime: ctypes.CDLL,
) -> None:
    """The addition reads tensor 1, which the convolution before it must not write over."""
    data = bytearray(pack.dumps(roomy(residual())))
    place = struct.unpack_from("<I", data, STEPS + 12)[0]
    struct.pack_into("<I", data, STEPS + STEP.size + 12, place + 16 * 100)  # a free place: still valid
    struct.pack_into("<I", data, STEPS + 2 * STEP.size + 4, place + 16 * 100)
    struct.pack_into("<I", data, PLANS + 12, place + 16 * 200)
    moved = seal(data)
    assert read(moved) is not None
    assert runtime.fuzz_load(moved, len(moved)) == Status.OK
    struct.pack_into("<I", data, STEPS + 2 * STEP.size + 12, place)
    struct.pack_into("<I", data, STEPS + ADD * STEP.size + 8, place)
    hostile = seal(data)
    assert read(hostile) is None
    assert runtime.fuzz_load(hostile, len(hostile)) == Status.MALFORMED


def shifted(data: bytes) -> bytes:
    """Return a pack whose tables and weights begin 16 bytes later than they could."""
    header, changed = HEADER.unpack_from(data), bytearray(data)
    fields = [header[10] + i * LAYER.size + 20 for i in range(header[6])]
    for plan, _ in seed_of(data).names[1:]:
        fields += [plan + PLAN.size + i * STEP.size + 20 for i in range(header[6])]
    for at in fields:
        place = struct.unpack_from("<I", data, at)[0]
        struct.pack_into("<I", changed, at, place + 16 if place else 0)
    body = seed_of(data).body
    return seal(changed[:body] + bytes(16) + changed[body:])


def repeated(data: bytes) -> bytes:
    """Return the pack of `shared_table` with the table of the pool stored twice."""
    plans, plan_bytes = HEADER.unpack_from(data)[11:13]
    steps = [plans + s * plan_bytes + PLAN.size for s in (0, 1)]
    tables = [[STEP.unpack_from(data, step + i * STEP.size)[6] for i in range(4)] for step in steps]
    assert tables[0][1] == tables[1][1]
    changed = bytearray(data)
    for i, at in ((1, tables[1][3]), (3, tables[1][3] + 32)):
        struct.pack_into("<I", changed, steps[1] + i * STEP.size + 20, at)
    layers = HEADER.unpack_from(data)[10]
    for i in (0, 3):
        at = layers + i * LAYER.size + 20
        struct.pack_into("<I", changed, at, struct.unpack_from("<I", data, at)[0] + 32)
    return seal(changed[: tables[1][3]] + data[tables[0][1] : tables[0][1] + 32] + changed[tables[1][3] :])


BYTES: dict[str, Callable[[], bytes]] = {
    "a gap between sections": lambda: shifted(pack.dumps(residual())),
    "bytes after the weights": lambda: seal(pack.dumps(residual()) + bytes(16)),
    "an equal table stored twice": lambda: repeated(pack.dumps(shared_table())),
}


@pytest.mark.parametrize("made", BYTES.values(), ids=BYTES)
def test_bytes_that_no_writer_makes_are_refused_by_both(
    runtime: ctypes.CDLL, made: Callable[[], bytes]
) -> None:
    data = made()
    assert read(data) is None
    assert runtime.fuzz_load(data, len(data)) == Status.MALFORMED


def test_pack_of_standardized_features_is_accepted_by_both(runtime: ctypes.CDLL) -> None:
    data = pack.dumps(replace(residual(), standardized=True))
    model = read(data)
    assert model is not None
    assert model.standardized
    assert runtime.fuzz_load(data, len(data)) == Status.OK


def test_shared_table_is_accepted_by_both(runtime: ctypes.CDLL) -> None:
    data = pack.dumps(shared_table())
    steps = [STEP.unpack_from(data, at + PLAN.size + STEP.size) for at, _ in seed_of(data).names[1:]]
    assert steps[0][6] == steps[1][6]
    assert read(data) is not None
    assert runtime.fuzz_load(data, len(data)) == Status.OK


def test_nonzero_byte_in_the_padding_before_weights_is_refused_by_both(runtime: ctypes.CDLL) -> None:
    data = bytearray(pack.dumps(dense_model([5, 3, 4], [[3, 4]], 1)))
    (first, size), (second, _) = (
        struct.unpack_from("<II", data, HEADER.unpack_from(data)[10] + i * LAYER.size + 20) for i in (0, 1)
    )
    assert second > first + size
    data[second - 1] = 1
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED
