"""Mutate packs field by field, so that most of each mutant is still valid and deep rules are reached."""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from reds.pack.format import HEADER, LAYER, PLAN, ROOM, STEP, TENSOR
from reds.pack.validate.name import UNPRINTABLE

_INTERESTING = (0, 1, 2, 3, 4, 8, 16, 64, 65, 127, 128, 129, 255, 256, 32_767, 32_768, 65_535, 1 << 16,
                1 << 22, 1 << 25, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 16, (1 << 32) - 1)  # fmt: skip
_FLOATS = (0, 1, 0x007FFFFF, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x80000000,
           0xBF800000, 0xFF800000)  # fmt: skip
"""Bits of binary32: zeros, subnormal and normal numbers at their limits, infinities, no number."""
_CHARACTERS = [
    *map(chr, sorted({max(code, 0) for ends in UNPRINTABLE for code in (ends[0] - 1, *ends)})),
    "a",
]
"""Characters at the limits of what a name may have."""
_SIZES = {"x": 1, "B": 1, "b": 1, "H": 2, "h": 2, "I": 4, "i": 4, "f": 4}


@dataclass(frozen=True)
class PlanPlaces:
    """Offsets in a valid pack of a plan, of its rooms and of the step of each layer that it runs."""

    at: int
    rooms: tuple[int, ...]
    steps: dict[int, int]


@dataclass(frozen=True)
class Seed:
    """A valid pack, and where its fields are: offset and size of each, and whether it is a float."""

    data: bytes
    fields: tuple[tuple[int, int, bool], ...]
    names: tuple[tuple[int, int], ...]
    layers: tuple[int, ...]
    """Offset of each layer."""
    plans: tuple[PlanPlaces, ...]
    body: int
    """Offset of the first table."""


def seed_of(data: bytes) -> Seed:
    """Return a canonical pack with the places of its fields."""
    header = HEADER.unpack_from(data)
    tensors, layers, subnets, (tensors_at, layers_at, plans_at, body) = *header[4:7], header[8:12]
    layer_places = tuple(layers_at + i * LAYER.size for i in range(layers))
    plans = [_plan_places(data, plans_at + s * PLAN.size, tensors) for s in range(subnets)]
    fields = _fields(HEADER, 0)
    fields += [f for i in range(tensors) for f in _fields(TENSOR, tensors_at + i * TENSOR.size)]
    fields += [f for at in layer_places for f in _fields(LAYER, at)]
    for plan in plans:
        fields += _fields(PLAN, plan.at)
        fields += [f for at in plan.rooms for f in _fields(ROOM, at)]
        fields += [f for at in plan.steps.values() for f in _fields(STEP, at)]
    names = (HEADER.size - 32, 32), *((plan.at, 8) for plan in plans)
    return Seed(data, tuple(fields), names, layer_places, tuple(plans), body)


def _plan_places(data: bytes, at: int, tensors: int) -> PlanPlaces:
    rooms_at, steps_at, steps = PLAN.unpack_from(data, at)[4:]
    places = [steps_at + i * STEP.size for i in range(steps)]
    by_layer = {STEP.unpack_from(data, step)[0]: step for step in places}
    return PlanPlaces(at, tuple(rooms_at + t * ROOM.size for t in range(tensors)), by_layer)


def _fields(layout: struct.Struct, at: int) -> list[tuple[int, int, bool]]:
    found, digits = [], ""
    for code in layout.format.lstrip("<"):
        if code.isdigit():
            digits += code
        elif code == "s":
            at, digits = at + int(digits), ""
        else:
            for _ in range(int(digits or 1)):
                found.append((at, _SIZES[code], code == "f"))
                at += _SIZES[code]
            digits = ""
    return found


class Mutator:
    """Makes mutants of seeds, the same ones for the same number."""

    def __init__(self, seeds: Sequence[Seed], number: int) -> None:
        self.seeds = seeds
        self.random = Random(number)
        self._kinds: tuple[Callable[[Seed, bytearray], None], ...] = (
            *[self._field] * 8, *[self._tensor_moved] * 3, *[self._zero_point] * 2, *[self._relabeled] * 2,
            *[self._entry] * 3, *[self._left_out] * 2, self._table_repeated, self._copied_field,
            self._flipped, self._copied, self._inserted, self._cut, self._spliced, self._noise,
        )  # fmt: skip

    def next(self) -> bytes:
        """Return a mutant of a random seed, mostly with its size and checksum mended."""
        seed = self.random.choice(self.seeds)
        data = bytearray(seed.data)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            if len(data) > HEADER.size:
                self.random.choice(self._kinds)(seed, data)
        if self.random.random() < 0.97 and len(data) >= HEADER.size:
            if self.random.random() < 0.95:
                struct.pack_into("<I", data, 8, len(data))
            struct.pack_into("<I", data, 12, zlib.crc32(memoryview(data)[16:]))
        return bytes(data)

    def _field(self, seed: Seed, data: bytearray) -> None:
        at, size, is_float = self.random.choice(seed.fields)
        self._set(data, at, size, self._value(data, at, size, is_float))

    def _value(self, data: bytearray, at: int, size: int, is_float: bool) -> int:
        pick, old = self.random.random(), int.from_bytes(data[at : at + size], "little")
        if is_float and pick < 0.7:
            return self.random.choice(_FLOATS)
        if pick < 0.4:
            return old + self.random.choice((-16, -4, -1, 1, 4, 16))
        if pick < 0.5:
            return old ^ 1 << self.random.randrange(8 * size)
        return self.random.choice(_INTERESTING) if pick < 0.9 else self.random.getrandbits(8 * size)

    def _set(self, data: bytearray, at: int, size: int, value: int) -> None:
        if at + size <= len(data):
            data[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")

    def _copied_field(self, seed: Seed, data: bytearray) -> None:
        one, other = self.random.choice(seed.fields), self.random.choice(seed.fields)
        value = int.from_bytes(seed.data[one[0] : one[0] + one[1]], "little")
        self._set(data, other[0], other[1], value)

    def _tensor_moved(self, seed: Seed, data: bytearray) -> None:
        """Move a tensor and what stands for it; the arena may become larger."""
        plan = self.random.choice(seed.plans)
        tensor = self.random.randrange(len(plan.rooms))
        size = PLAN.unpack_from(seed.data, plan.at)[2]
        to = 16 * self.random.randrange(size // 16 + 4) + (self.random.random() < 0.05)
        if self.random.random() < 0.6:
            self._set(data, plan.at + 12, 4, size + 16 * self.random.randrange(1, 40))
        for room in self._held_in(seed, plan, tensor):
            self._set(data, room, 4, to)

    def _zero_point(self, seed: Seed, data: bytearray) -> None:
        """Change a zero point in every field that states it."""
        plans = [self.random.choice(seed.plans)]
        tensor, zero = self.random.randrange(len(seed.layers) + 1), self.random.randrange(-129, 129)
        if tensor == 0:
            self._set(data, 44, 4, zero)
            plans = list(seed.plans)
        for plan in plans:
            for room in self._held_in(seed, plan, tensor):
                self._set(data, room + 8, 1, zero)
            step = plan.steps.get(tensor - 1)
            if step and (not STEP.unpack_from(seed.data, step)[5] or self.random.random() < 0.3):
                self._set(data, step + 2, 1, zero)

    def _held_in(self, seed: Seed, plan: PlanPlaces, tensor: int) -> list[int]:
        """Return the rooms of a plan in which a tensor lies."""
        return [room for room in plan.rooms if ROOM.unpack_from(seed.data, room)[2] == tensor]

    def _left_out(self, seed: Seed, data: bytearray) -> None:
        """Empty a room, or let it stand for another."""
        plan = self.random.choice(seed.plans)
        tensor = self.random.randrange(len(plan.rooms))
        held = plan.rooms[self.random.randrange(tensor + 1)]
        stands, empty = seed.data[held : held + ROOM.size], ROOM.pack(0, 0, tensor, 0)
        room = empty if self.random.random() < 0.3 else stands
        self._set(data, plan.rooms[tensor], ROOM.size, int.from_bytes(room, "little"))

    def _relabeled(self, seed: Seed, data: bytearray) -> None:
        at, size = self.random.choice(seed.names)
        if self.random.random() < 0.2:
            like, _ = self.random.choice(seed.names)
            self._set(data, at, 8, int.from_bytes(data[like : like + 8], "little"))
            return
        length = self.random.randrange(size + 1)
        text = "".join(self.random.choice((*"kws", self.random.choice(_CHARACTERS))) for _ in range(length))
        raw = bytearray(text.encode(errors="surrogatepass")[:size])
        if raw and self.random.random() < 0.2:
            raw[self.random.randrange(len(raw))] = self.random.randrange(256)
        if at + size <= len(data):
            data[at : at + size] = raw.ljust(size, b"\0")

    def _entry(self, seed: Seed, data: bytearray) -> None:
        """Change one word of a table or of weights."""
        if len(data) < seed.body + 4:
            return
        at = seed.body + 4 * self.random.randrange((len(data) - seed.body) // 4)
        old = int.from_bytes(data[at : at + 4], "little")
        shift = self.random.randrange(32)
        value = self.random.choice((old + (1 << shift), old - (1 << shift), old << 1, old >> 1, old & ~0xFF))
        self._set(data, at, 4, self.random.choice((value, value, 0, self.random.choice(_INTERESTING))))

    def _table_repeated(self, seed: Seed, data: bytearray) -> None:
        """Make a table of a step equal to that of the same layer in another subnet."""
        layer = self.random.randrange(len(seed.layers))
        one, other = (self.random.choice(seed.plans) for _ in range(2))
        if layer not in one.steps or layer not in other.steps:
            return
        units = min(ROOM.unpack_from(seed.data, plan.rooms[layer + 1])[1] for plan in (one, other))
        steps = [STEP.unpack_from(seed.data, plan.steps[layer]) for plan in (one, other)]
        field, size = self.random.choice(((3, 8 * max(4, -(-units // 4) * 4)), (5, 256)))
        start, to = steps[0][field], steps[1][field]
        if start and to and to + size <= len(data):
            data[to : to + size] = data[start : start + size]

    def _flipped(self, seed: Seed, data: bytearray) -> None:
        data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)

    def _copied(self, seed: Seed, data: bytearray) -> None:
        size = min(self.random.choice((1, 2, 4, 8, 16, 28, 32, 64)), len(data))
        one, other = (self.random.randrange(len(data) - size + 1) for _ in range(2))
        data[other : other + size] = data[one : one + size]

    def _inserted(self, seed: Seed, data: bytearray) -> None:
        at, size = self.random.randrange(len(data) + 1), self.random.choice((1, 2, 4, 8, 16, 28, 32))
        data[at:at] = bytes(size) if self.random.random() < 0.5 else self.random.randbytes(size)

    def _cut(self, seed: Seed, data: bytearray) -> None:
        at, size = self.random.randrange(len(data)), self.random.choice((1, 2, 4, 8, 16, 28, 32, 10_000))
        del data[at : at + size]

    def _spliced(self, seed: Seed, data: bytearray) -> None:
        other = self.random.choice(self.seeds).data
        at = self.random.randrange(len(data))
        data[at:] = other[at:]

    def _noise(self, seed: Seed, data: bytearray) -> None:
        at = self.random.choice((0, 16, 80, self.random.randrange(len(data))))
        data[at:] = self.random.randbytes(self.random.randrange(400))
