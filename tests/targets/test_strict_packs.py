"""Both ends refuse a pack that the writer would not write, each rule by itself."""

import ctypes
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from reds import pack
from reds.pack.format import HEADER, LAYER, ROOM, STEP
from reds.pack.model import Kind, Model
from tests.support.depth import activated, without
from tests.support.nets import Maker, dense_model, roomy
from tests.targets.support.fuzz.differential import residual, shared_table
from tests.targets.support.fuzz.mutations import seed_of
from tests.targets.support.fuzz.verdicts import read, seal
from tests.targets.support.status import Status

# Each edit of a valid pack breaks one rule that only the writer's own bytes keep.
SEED = seed_of(pack.dumps(residual()))
SMALL, LARGE = SEED.plans
ADD = 3
EDITS = {
    "unknown flag of the header": (22, "H", 2),
    "input's scale of 0": (40, "f", 0.0),
    "input's scale below 0": (40, "f", -0.5),
    "infinite scale": (40, "f", float("inf")),
    "scale that is no number": (40, "f", float("nan")),
    "subnormal scale": (40, "I", 0x007FFFFF),
    "output's scale that is no number": (SMALL.at + 16, "f", float("nan")),
    "input's zero point outside int8": (44, "i", 1000),
    "input's zero point of -128": (44, "i", -128),
    "text after the end of the name": (48 + 20, "B", 65),
    "reserved field of a tensor": (80 + 6, "H", 1),
    "second input of a layer that reads one": (SEED.layers[1] + 6, "H", 1),
    "third input of a layer that reads two": (SEED.layers[ADD] + 8, "H", 1),
    "fourth input of a layer that reads two": (SEED.layers[ADD] + 10, "H", 1),
    "three inputs": (SEED.layers[ADD] + 2, "B", 3),
    "relu of 2": (SEED.layers[0] + 1, "B", 2),
    "dilated rows of a pool": (SEED.layers[4] + 20, "B", 2),
    "dilation of columns by 0": (SEED.layers[0] + 21, "B", 0),
    "groups": (SEED.layers[0] + 22, "H", 2),
    "weights of a layer that has none": (SEED.layers[ADD] + 24, "I", 80),
    "MACs": (SMALL.at + 8, "I", 1),
    "rooms elsewhere": (SMALL.at + 20, "I", LARGE.rooms[0]),
    "steps elsewhere": (SMALL.at + 24, "I", LARGE.steps[0]),
    "a step too few": (SMALL.at + 28, "I", 5),
    "no steps": (SMALL.at + 28, "I", 0),
    "tables elsewhere": (36, "I", SEED.body + 4),
    "zero point of the input": (SMALL.rooms[0] + 8, "b", 17),
    "units of the input": (SMALL.rooms[0] + 4, "H", 3),
    "input that holds another tensor": (SMALL.rooms[0] + 6, "H", 1),
    "tensor that holds a later one": (SMALL.rooms[1] + 6, "H", 2),
    "tensor that is not there": (SMALL.rooms[1] + 6, "H", 7),
    "written tensor that is said to stand for another": (SMALL.rooms[3] + 6, "H", 1),
    "first reserved byte of a room": (SMALL.rooms[1] + 9, "B", 1),
    "last reserved byte of a room": (SMALL.rooms[1] + 11, "B", 1),
    "zero point of a room that its step does not write": (SMALL.rooms[1] + 8, "b", 113),
    "step of another layer": (SMALL.steps[0], "H", 1),
    "step of no layer": (SMALL.steps[5], "H", 6),
    "reserved byte of a step": (SMALL.steps[0] + 3, "B", 1),
    "plain rows of the canonical layout": (SMALL.steps[0] + 12, "I", 80),
    "table of a step elsewhere": (SMALL.steps[0] + 8, "I", 80),
    "activation table elsewhere": (SMALL.steps[0] + 16, "I", 80),
    "name of a subnet used twice": (LARGE.at, "Q", int.from_bytes(b"50%", "little")),
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
    table = STEP.unpack_from(data, SMALL.steps[layer])[3]
    struct.pack_into("<i", data, table + 4 * entry, value)
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


def test_arena_that_overwrites_a_tensor_before_its_last_reader_is_refused_by_both(
    runtime: ctypes.CDLL,
) -> None:
    """The addition reads tensor 1, which the convolution before it must not write over."""
    data = bytearray(pack.dumps(roomy(residual())))
    place = struct.unpack_from("<I", data, SMALL.rooms[1])[0]
    struct.pack_into("<I", data, SMALL.rooms[2], place + 16 * 100)  # a free place: still valid
    struct.pack_into("<I", data, SMALL.at + 12, place + 16 * 200)
    moved = seal(data)
    assert read(moved) is not None
    assert runtime.fuzz_load(moved, len(moved)) == Status.OK
    struct.pack_into("<I", data, SMALL.rooms[3], place)
    hostile = seal(data)
    assert read(hostile) is None
    assert runtime.fuzz_load(hostile, len(hostile)) == Status.MALFORMED


def test_arena_that_overwrites_a_tensor_before_what_stands_for_it_is_read_is_refused_by_both(
    runtime: ctypes.CDLL,
) -> None:
    """A block is left out: the addition behind it reads tensor 1 as tensor 3, and must not write over it."""
    maker = Maker(2, 2, 4)
    first = maker.add(Kind.CONV, 4)
    maker.add(Kind.DEPTHWISE, 0)
    block = maker.add(Kind.ADD, other=first)
    maker.add(Kind.CONV, 4)
    maker.layers[-1] = replace(maker.layers[-1], inputs=(first,))
    maker.add(Kind.ADD, other=block)
    data = bytearray(pack.dumps(roomy(without(maker.build([[4, 4]]), [[(first, block)]]))))
    assert runtime.fuzz_load(bytes(data), len(data)) == Status.OK
    rooms = seed_of(bytes(data)).plans[0].rooms
    data[rooms[5] : rooms[5] + 4] = data[rooms[1] : rooms[1] + 4]
    hostile = seal(data)
    assert read(hostile) is None
    assert runtime.fuzz_load(hostile, len(hostile)) == Status.MALFORMED


BLOCKS = seed_of(pack.dumps(without(residual(), [[(1, 4)], []])))
"""The residual net without its block in the smaller subnet: tensor 4 stands for 1, 2 and 3 are empty."""
FEWER, ALL = BLOCKS.plans
ROOMS = {
    "place of a tensor that is left out": (FEWER.rooms[2], "I", 16),
    "zero point of a tensor that is left out": (FEWER.rooms[2] + 8, "b", 1),
    "tensor that stands for one that is left out": (FEWER.rooms[3] + 6, "H", 2),
    "tensor that stands for another at another place": (FEWER.rooms[4], "I", 16),
    "tensor that stands for another with more units": (FEWER.rooms[4] + 4, "H", 3),
    "tensor that stands for another with other zero point": (FEWER.rooms[4] + 8, "b", 100),
    "tensor that stands for one of another shape": (FEWER.rooms[4] + 6, "H", 0),
    "input that is left out": (FEWER.rooms[4], "Q", 4 << 48),
    "step of a layer that is left out": (FEWER.steps[4], "H", 3),
    "larger subnet without the tensor of a smaller one": (ALL.rooms[1] + 4, "H", 1),
}


@pytest.mark.parametrize(("at", "code", "value"), ROOMS.values(), ids=ROOMS)
def test_room_that_the_writer_would_not_write_is_refused_by_both(
    runtime: ctypes.CDLL, at: int, code: str, value: int
) -> None:
    data = bytearray(BLOCKS.data)
    assert runtime.fuzz_load(BLOCKS.data, len(data)) == Status.OK
    struct.pack_into("<" + code, data, at, value)
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


def convolutions(count: int) -> Model:
    """Return a net of convolutions of one shape, each of which could be left out by its shape."""
    maker = Maker(2, 2, 4)
    for _ in range(count):
        maker.add(Kind.CONV, 4)
    return maker.build([[2] * (count - 1) + [4], [4] * count])


UNNESTED = {
    "a larger subnet leaves out a block": without(residual(), [[], [(1, 4)]]),
    "a larger subnet leaves out a layer": without(convolutions(3), [[], [(1, 2)]]),
    "the smaller subnet leaves out the last layer": without(convolutions(2), [[(1, 2)], []]),
}


@pytest.mark.parametrize("model", UNNESTED.values(), ids=UNNESTED)
def test_subnet_without_a_layer_that_it_must_run_is_refused_by_both(
    runtime: ctypes.CDLL, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as lax:
        lax.setattr("reds.pack.writer.validate_model", lambda model: None)
        data = pack.dumps(model)
    assert read(data) is None
    assert runtime.fuzz_load(data, len(data)) == Status.MALFORMED


READ = {
    "three units, of which the tensor it stands for has two": lambda at, zero: ROOM.pack(at, 3, 1, zero),
    "no unit, as it is left out": lambda at, zero: ROOM.pack(0, 0, 2, 0),
}


@pytest.mark.parametrize("room", READ.values(), ids=READ)
def test_convolution_that_reads_what_the_subnet_does_not_have_is_refused_by_both(
    runtime: ctypes.CDLL, room: Callable[[int, int], bytes]
) -> None:
    """The multiply-accumulates count the units that it reads, so that nothing else is wrong."""
    data = bytearray(pack.dumps(without(convolutions(3), [[(1, 2)], []])))
    plan = seed_of(bytes(data)).plans[0]
    at, _, _, zero = ROOM.unpack_from(data, plan.rooms[2])
    data[plan.rooms[2] : plan.rooms[2] + ROOM.size] = room(at, zero)
    units = ROOM.unpack_from(data, plan.rooms[2])[1]
    struct.pack_into("<I", data, plan.at + 8, 4 * (4 * 2 + units * 4))
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


def activated_residual() -> bytes:
    """Return the residual net with activation tables behind all layers but the addition with its ReLU."""
    return next(
        data
        for seed in range(100)
        if len(activation_tables(data := pack.dumps(activated(residual(), seed)))) == 5
    )


def activation_tables(data: bytes) -> list[int]:
    """Return the offsets of the activation tables of the smaller subnet."""
    places = (STEP.unpack_from(data, at)[5] for at in seed_of(data).plans[0].steps.values())
    return [place for place in places if place]


@pytest.mark.parametrize(("entry", "value"), [(0, 1), (0, -128), (1, -128), (128, -128), (255, -128)])
def test_activation_table_with_a_value_that_no_tensor_holds_is_refused_by_both(
    runtime: ctypes.CDLL, entry: int, value: int
) -> None:
    data = bytearray(activated_residual())
    assert runtime.fuzz_load(bytes(data), len(data)) == Status.OK
    struct.pack_into("<b", data, activation_tables(data)[0] + entry, value)
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


def test_activation_table_behind_a_relu_is_refused_by_both(runtime: ctypes.CDLL) -> None:
    data = bytearray(activated_residual())
    data[SEED.layers[0] + 1] = 1
    struct.pack_into("<b", data, SMALL.steps[0] + 2, -127)
    struct.pack_into("<b", data, LARGE.steps[0] + 2, -127)
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED


def shifted(data: bytes) -> bytes:
    """Return a pack whose tables and weights begin 16 bytes later than they could."""
    seed, changed = seed_of(data), bytearray(data)
    fields = [at + 24 for at in seed.layers]
    fields += [step + 8 for plan in seed.plans for step in plan.steps.values()]
    for at in fields:
        place = struct.unpack_from("<I", data, at)[0]
        struct.pack_into("<I", changed, at, place + 16 if place else 0)
    return seal(changed[: seed.body] + bytes(16) + changed[seed.body :])


def repeated(data: bytes) -> bytes:
    """Return the pack of `shared_table` with the table of the pool stored twice."""
    seed, changed = seed_of(data), bytearray(data)
    small, large = ([STEP.unpack_from(data, at)[3] for at in plan.steps.values()] for plan in seed.plans)
    assert small[1] == large[1]
    for i, at in ((1, large[3]), (3, large[3] + 32)):
        struct.pack_into("<I", changed, seed.plans[1].steps[i] + 8, at)
    for i in (0, 3):
        at = seed.layers[i] + 24
        struct.pack_into("<I", changed, at, struct.unpack_from("<I", data, at)[0] + 32)
    return seal(changed[: large[3]] + data[small[1] : small[1] + 32] + changed[large[3] :])


def shared_by_plans(field: int) -> bytes:
    """Return a pack of two equal subnets, whose plans name the same rooms or the same steps."""
    model = dense_model([5, 3], [[3]], 1)
    data = bytearray(
        pack.dumps(replace(model, subnets=tuple(replace(model.subnets[0], name=n) for n in "ab")))
    )
    one, other = (plan.at + field for plan in seed_of(bytes(data)).plans)
    data[other : other + 4] = data[one : one + 4]
    return seal(data)


def padded() -> bytes:
    """Return a pack whose header says that the tables begin in the padding before them."""
    data = bytearray(pack.dumps(dense_model([5, 3], [[3]], 1)))
    tables = seed_of(bytes(data)).body
    assert tables % 16 == 12
    struct.pack_into("<I", data, 36, tables + 4)
    return seal(data)


BYTES: dict[str, Callable[[], bytes]] = {
    "a gap between sections": lambda: shifted(pack.dumps(residual())),
    "bytes after the weights": lambda: seal(pack.dumps(residual()) + bytes(16)),
    "an equal table stored twice": lambda: repeated(pack.dumps(shared_table())),
    "rooms that two plans share": lambda: shared_by_plans(20),
    "steps that two plans share": lambda: shared_by_plans(24),
    "tables that begin in their padding": padded,
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
    steps = [STEP.unpack_from(data, plan.steps[1]) for plan in seed_of(data).plans]
    assert steps[0][3] == steps[1][3]
    assert read(data) is not None
    assert runtime.fuzz_load(data, len(data)) == Status.OK


def test_nonzero_byte_in_the_padding_before_weights_is_refused_by_both(runtime: ctypes.CDLL) -> None:
    data = bytearray(pack.dumps(dense_model([5, 3, 4], [[3, 4]], 1)))
    (first, size), (second, _) = (
        struct.unpack_from("<II", data, HEADER.unpack_from(data)[9] + i * LAYER.size + 24) for i in (0, 1)
    )
    assert second > first + size
    data[second - 1] = 1
    sealed = seal(data)
    assert read(sealed) is None
    assert runtime.fuzz_load(sealed, len(sealed)) == Status.MALFORMED
