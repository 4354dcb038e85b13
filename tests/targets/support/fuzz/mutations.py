"""Mutate packs field by field, so that most of each mutant is still valid and deep rules are reached."""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from reds.pack.format import HEADER, LAYER, PLAN, STEP, TENSOR
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
_SIZES = {"B": 1, "b": 1, "H": 2, "h": 2, "I": 4, "i": 4, "f": 4}


@dataclass(frozen=True)
class Seed:
    """A valid pack, and where its fields are: offset and size of each, and whether it is a float."""

    data: bytes
    fields: tuple[tuple[int, int, bool], ...]
    names: tuple[tuple[int, int], ...]
    body: int
    """Offset of the first table."""


def seed_of(data: bytes) -> Seed:
    """Return a canonical pack with the places of its fields."""
    header = HEADER.unpack_from(data)
    tensors, layers, subnets, (tensors_at, layers_at, plans_at, plan_bytes) = *header[5:8], header[9:13]
    fields = _fields(HEADER, 0)
    for i in range(tensors):
        fields += _fields(TENSOR, tensors_at + i * TENSOR.size)
    for i in range(layers):
        fields += _fields(LAYER, layers_at + i * LAYER.size)
    names = [(HEADER.size - 32, 32)]
    for s in range(subnets):
        plan = plans_at + s * plan_bytes
        names.append((plan, 8))
        fields += _fields(PLAN, plan)
        for i in range(layers):
            fields += _fields(STEP, plan + PLAN.size + i * STEP.size)
    return Seed(data, tuple(fields), tuple(names), plans_at + subnets * plan_bytes)


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
            *[self._entry] * 3, self._table_repeated, self._copied_field, self._flipped, self._copied,
            self._inserted, self._cut, self._spliced, self._noise,
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
        """Move a tensor in every step that reads or writes it; the arena may become larger."""
        plan, layers = self._plan(seed)
        tensor = self.random.randrange(layers + 1)
        size = int.from_bytes(data[plan + 12 : plan + 16], "little")
        to = 16 * self.random.randrange(size // 16 + 4) + (self.random.random() < 0.05)
        if self.random.random() < 0.6:
            self._set(data, plan + 12, 4, size + 16 * self.random.randrange(1, 40))
        layers_at = int.from_bytes(seed.data[28:32], "little")
        for i in range(layers):
            step = plan + PLAN.size + i * STEP.size
            layer = LAYER.unpack_from(seed.data, layers_at + i * LAYER.size)
            if layer[4] == tensor:
                self._set(data, step + 4, 4, to)
            if layer[2] == 2 and layer[5] == tensor:
                self._set(data, step + 8, 4, to)
            if layer[6] == tensor:
                self._set(data, step + 12, 4, to)

    def _zero_point(self, seed: Seed, data: bytearray) -> None:
        """Change a zero point in every field that states it."""
        plan, layers = self._plan(seed)
        tensor, zero = self.random.randrange(layers + 1), self.random.randrange(-129, 129)
        if tensor == 0:
            self._set(data, 44, 4, zero)
        layers_at = int.from_bytes(seed.data[28:32], "little")
        plans = range(plan, plan + 1)
        if tensor == 0:
            plan_bytes = PLAN.size + STEP.size * layers
            plans = range(seed.body - plan_bytes * len(seed.names[1:]), seed.body, plan_bytes)
        for start in plans:
            for i in range(layers):
                step = start + PLAN.size + i * STEP.size
                if int.from_bytes(seed.data[layers_at + i * 28 + 4 :][:2], "little") == tensor:
                    self._set(data, step + 29, 1, zero)
                if i + 1 == tensor:
                    self._set(data, step + 28, 1, zero)

    def _plan(self, seed: Seed) -> tuple[int, int]:
        layers = int.from_bytes(seed.data[18:20], "little")
        return self.random.choice(seed.names[1:])[0], layers

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
        """Make the table of a step equal to that of the same layer in another subnet."""
        layers = int.from_bytes(seed.data[18:20], "little")
        offset = PLAN.size + STEP.size * self.random.randrange(layers)
        (one, _), (other, _) = self.random.choice(seed.names[1:]), self.random.choice(seed.names[1:])
        steps = [STEP.unpack_from(seed.data, plan + offset) for plan in (one, other)]
        rows = max(4, -(-min(step[1] for step in steps) // 4) * 4)
        start, to = steps[0][6], steps[1][6]
        if start and to + 8 * rows <= len(data):
            data[to : to + 8 * rows] = data[start : start + 8 * rows]

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
