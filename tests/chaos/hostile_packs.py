"""Make hostile packs: fields changed with checksums that fit, and small files of huge tensors."""

import random
import struct
import zlib
from functools import cache

from reds import pack
from reds.pack.format import CRC_FROM, HEADER, LAYER, PLAN, ROOM, STEP, TENSOR
from reds.pack.model import Kind
from tests.chaos.hostile import TEXTS
from tests.support.modern import modern_nets
from tests.support.nets import Maker, random_model

NETS = 12
"""Different nets that packs are mutated from."""
_FLOAT_BITS = (0, 0x80000000, 0x3F800000, 0x7F800000, 0xFF800000, 0x7FC00000, 1, 0x7F7FFFFF)
_KERNEL = 12
"""Offset in a layer of the sides of its kernel, then those of its stride."""


@cache
def sound_pack(net: int) -> bytes:
    """Return a pack that breaks no rule."""
    return pack.dumps(random_model(net) if net % 2 else modern_nets([net])[0])


def mutated_pack(data: bytes, rng: random.Random) -> bytes:
    """Return a pack with some fields changed, and mostly with the size and the checksum that fit."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        offset, code = rng.choice(_fields(data))
        size = struct.calcsize(f"<{code}")
        changed[offset : offset + size] = _field(bytes(changed[offset : offset + size]), code, rng)
    match rng.randrange(12):
        case 0:
            del changed[rng.randrange(len(changed)) :]
        case 1:
            changed += rng.randbytes(rng.randint(1, 64))
        case 2:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    if len(changed) >= HEADER.size and rng.random() < 0.95:
        _seal(changed)
    return bytes(changed)


def large_pack(rng: random.Random) -> bytes:
    """Return a pack of a few hundred bytes whose two pools read tensors of up to 2^48 bytes."""
    maker = Maker(4, 4, 1)
    for _ in range(2):
        maker.add(rng.choice((Kind.MAX_POOL, Kind.AVERAGE_POOL)), 0, (2, 2), (2, 2))
    changed = bytearray(pack.dumps(maker.build([[]])))
    tensors_at, layers_at, plans_at = HEADER.unpack_from(changed)[8:11]
    plan = list(PLAN.unpack_from(changed, plans_at))
    outer, inner, units = rng.randint(2, 255), rng.randint(2, 255), rng.choice((1, 1, 4, 65_535))
    sizes = [-(side * side * units // -16) * 16 for side in (outer * inner, inner)]
    for i, side in enumerate((outer * inner, inner, 1)):
        TENSOR.pack_into(changed, tensors_at + i * TENSOR.size, side, side, units, 0)
        room = list(ROOM.unpack_from(changed, plan[4] + i * ROOM.size))
        room[:2] = (0, sizes[0], 0)[i] % 2**32, units
        ROOM.pack_into(changed, plan[4] + i * ROOM.size, *room)
    for i, side in enumerate((outer, inner)):
        at = layers_at + i * LAYER.size
        changed[at + _KERNEL : at + _KERNEL + 4] = bytes([side] * 4)
    plan[2] = sum(sizes) % 2**32
    PLAN.pack_into(changed, plans_at, *plan)
    _seal(changed)
    return bytes(changed)


def _seal(changed: bytearray) -> None:
    """Write the size and the checksum that fit."""
    struct.pack_into("<I", changed, 8, len(changed))
    struct.pack_into("<I", changed, 12, zlib.crc32(changed[CRC_FROM:]))


def _fields(data: bytes) -> list[tuple[int, str]]:
    """Return the offset and the format of every field of a whole pack."""
    header = HEADER.unpack_from(data)
    tensors, layers, subnets = header[4:7]
    tensors_at, layers_at, plans_at = header[8:11]
    places = [(0, HEADER)]
    places += [(tensors_at + i * TENSOR.size, TENSOR) for i in range(tensors)]
    places += [(layers_at + i * LAYER.size, LAYER) for i in range(layers)]
    for plan in range(plans_at, plans_at + subnets * PLAN.size, PLAN.size):
        *_, rooms_at, steps_at, steps = PLAN.unpack_from(data, plan)
        places.append((plan, PLAN))
        places += [(rooms_at + i * ROOM.size, ROOM) for i in range(tensors)]
        places += [(steps_at + i * STEP.size, STEP) for i in range(steps)]
    return [(at + offset, code) for at, layout in places for offset, code in _codes(layout.format)]


def _codes(layout: str) -> list[tuple[int, str]]:
    """Return the offset and the format of each field of a little-endian struct without padding."""
    found, offset, count = [], 0, ""
    for letter in layout.lstrip("<"):
        if letter.isdigit():
            count += letter
            continue
        parts = [count + "s"] if letter == "s" else [letter] * int(count or 1)
        for part in parts:
            found.append((offset, part))
            offset += struct.calcsize(f"<{part}")
        count = ""
    return found


def _field(was: bytes, code: str, rng: random.Random) -> bytes:
    if code.endswith("s"):
        return rng.choice(TEXTS).encode()[: len(was)].ljust(len(was), b"\0")
    if code == "f" and rng.random() < 0.8:
        return struct.pack("<I", rng.choice(_FLOAT_BITS))
    number, bits = int.from_bytes(was, "little"), 8 * len(was)
    near = (number + 1, number - 1, number * 2, number ^ (1 << rng.randrange(bits)), number + 4)
    far = (0, 1, 2, 2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 1) - 1, rng.getrandbits(bits))
    return (rng.choice((*near, *far)) % 2**bits).to_bytes(len(was), "little")
