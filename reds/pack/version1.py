"""Rewrite a pack of format version 1 in the present one: the same network, tables and arenas.

Only headers, layers and plans differ. Tables and weights keep their bytes, and move together. The reader
checks the result as it checks every pack.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reds.errors import ModelError, PackError
from reds.files import write_atomically
from reds.pack.card import read_card
from reds.pack.format import CRC_FROM, HEADER, LAYER, MAGIC, PLAN, ROOM, STEP, TENSOR, UNDIVIDED, VERSION
from reds.pack.layouts import CANONICAL
from reds.pack.padding import round_up
from reds.pack.paths import writing
from reds.pack.reader import read_bytes, unpack
from reds.pack.writer import MOST_BYTES

_HEADER = struct.Struct("<4sHHIIHHHHIIIIfi32s")
"""Magic, version, layout, size, CRC-32, number of tensors, of layers, of subnets, flags, offset of the
tensors, of the layers, of the plans, bytes of a plan, input scale, input zero point, name."""
_LAYER = struct.Struct("<BBBB3HH8BII")
"""Kind, ReLU, number of inputs, 0, two input tensors, output tensor, 0, kernel, stride, padding, offset of
the weights, bytes of the weights."""
_PLAN = struct.Struct("<8sIIfI")
"""Name of the subnet, MACs, arena bytes, output scale, 0. One step for each layer follows."""
_STEP = struct.Struct("<HHIIIIIIbbH")
"""Units read, units written, arena offsets of the input, the second input, the output and the scratch, offset
of the table, of the plain rows, zero point of the output, of the input, 0."""


@dataclass(frozen=True)
class Converted:
    """The files that a conversion has written."""

    size: int
    """Bytes of the pack."""
    card: Path | None
    """The card beside it; None: the old pack has no card of its own."""


def convert_file(old: Path, new: Path, force: bool = False) -> Converted:
    """Write a pack of version 1 in the present format, with its card if it has one.

    The card is written first, and a card that has the new checksum already counts as that of the old pack. So
    a conversion in place that was interrupted is completed by another one.

    Args:
        old: The pack of version 1, and beside it its card.
        new: The file to write; its card gets the same name with the suffix `.json`.
        force: Whether to overwrite files that are there, `old` itself among them.

    Raises:
        PackError: `old` cannot be read or is no pack of version 1, or `new` is there or cannot be written.
    """
    if new.suffix == ".json":
        raise PackError(f"{new}: has the suffix of a card: name a .reds file")
    data = read_bytes(old)
    try:
        written = convert(data)
    except ModelError as error:
        raise PackError(f"{old}: not converted: {error}") from error
    sha256 = hashlib.sha256(written).hexdigest()
    known = old.with_suffix(".json")
    card = read_card(known, hashlib.sha256(data).hexdigest()) or read_card(known, sha256)
    files = {new: written}
    if card is not None:
        changed = card | {"pack_sha256": sha256, "bytes": len(written)}
        files = {new.with_suffix(".json"): (json.dumps(changed, indent=2) + "\n").encode(), **files}
    for path in files:
        if path.exists() and not force:
            raise PackError(f"{path}: is there already: name another file, or overwrite it with --force")
    for path, content in files.items():
        with writing(path):
            write_atomically(path, content)
    return Converted(len(written), None if card is None else new.with_suffix(".json"))


def convert(data: bytes) -> bytes:
    """Return a canonical pack of version 1 in the present format. Its outputs are the same bits.

    Raises:
        ModelError: The bytes are no such pack, or are damaged; the text gives the reason.
    """
    counts, places, scales = _header(data)
    tensors, layers, subnets, _ = counts
    tensors_at, layers_at, plans_at, plan_bytes = places
    layers_to = HEADER.size + tensors * TENSOR.size
    plans_to = layers_to + layers * LAYER.size
    rooms_to = plans_to + subnets * PLAN.size
    tables_to = rooms_to + subnets * (tensors * ROOM.size + layers * STEP.size)
    body_at, body_to = (
        round_up(at, CANONICAL.alignment) for at in (plans_at + subnets * plan_bytes, tables_to)
    )
    body, moved = data[body_at:], body_to - body_at

    read = [_LAYER.unpack_from(data, layers_at + i * _LAYER.size) for i in range(layers)]
    plans = parts = b""
    for plan in range(plans_at, plans_at + subnets * plan_bytes, plan_bytes):
        name, macs, arena, scale, _ = _PLAN.unpack_from(data, plan)
        steps = [_STEP.unpack_from(data, plan + _PLAN.size + i * _STEP.size) for i in range(layers)]
        at = rooms_to + len(parts)
        plans += PLAN.pack(name, macs, arena, scale, at, at + tensors * ROOM.size, layers)
        parts += _parts(read, steps, moved)
    head = data[tensors_at:layers_at] + b"".join(_layer(each, moved) for each in read) + plans + parts
    rest = head + bytes(body_to - tables_to if body else 0) + body

    def sealed(crc: int) -> bytes:
        offsets = HEADER.size, layers_to, plans_to, tables_to
        return HEADER.pack(MAGIC, VERSION, HEADER.size + len(rest), crc, *counts, *offsets, *scales) + rest

    converted = sealed(zlib.crc32(sealed(0)[CRC_FROM:]))
    unpack(converted)
    return converted


def _header(data: bytes) -> tuple[Sequence[int], Sequence[int], Sequence[Any]]:
    """Return the counts and flags, the offsets, and scale, zero point and name of a checked header."""
    if len(data) < _HEADER.size:
        raise ModelError(f"{len(data)} bytes are too few for a header, which takes {_HEADER.size}")
    magic, version, layout, size, crc, *fields = _HEADER.unpack_from(data)
    counts, places, scales = fields[:4], fields[4:8], fields[8:]
    if magic != MAGIC:
        raise ModelError(f"it begins with {magic!r}, not with {MAGIC.decode()}; name a .reds file")
    if version != 1:
        raise ModelError(f"its format is version {version}, not 1; use it as it is")
    if layout != CANONICAL.id:
        laid_out = f"it is laid out for a device (layout {layout}), not canonical"
        raise ModelError(f"{laid_out}; name the pack that it was converted from")
    if size != len(data) or crc != zlib.crc32(data[CRC_FROM:]):
        raise ModelError(f"its size or its checksum is not that of its {len(data)} bytes; build it again")
    tensors, layers, subnets, _ = counts
    layers_at = _HEADER.size + tensors * TENSOR.size
    plans_at, plan_bytes = layers_at + layers * _LAYER.size, _PLAN.size + layers * _STEP.size
    follow = places == [_HEADER.size, layers_at, plans_at, plan_bytes] and tensors == layers + 1 > 1
    if not follow or plans_at + subnets * plan_bytes > size:
        raise ModelError("its sections do not follow each other; build it again")
    return counts, places, scales


def _layer(fields: Sequence[int], moved: int) -> bytes:
    kind, relu, inputs, _, first, second, _, _, *shape, weights_at, weights_bytes = fields
    at = _shifted(weights_at, moved) if weights_bytes else 0
    return LAYER.pack(kind, relu, inputs, 0, first, second, 0, 0, *shape, *UNDIVIDED, at, weights_bytes)


def _parts(layers: Sequence[Sequence[int]], steps: Sequence[Sequence[int]], moved: int) -> bytes:
    """Return the rooms and the steps of one subnet, whose tables move by so many bytes."""
    first = steps[0]
    rooms = [(first[2], first[0], first[9]), *((step[4], step[1], step[8]) for step in steps)]
    parts = b"".join(ROOM.pack(at, units, i, zero) for i, (at, units, zero) in enumerate(rooms))
    for i, (layer, step) in enumerate(zip(layers, steps, strict=True)):
        (at, units, zero), (other_at, _, _) = (rooms[min(tensor, i)] for tensor in layer[4:6])
        stated = units, at, other_at if layer[2] > 1 else 0, zero
        if stated != (step[0], step[2], step[3], step[9]):
            raise ModelError(f"layer {i} reads its input where no layer writes it; build it again")
        table_at = _shifted(step[6], moved) if step[6] else 0
        parts += STEP.pack(i, step[8], step[5], table_at, step[7], 0)
    return parts


def _shifted(at: int, by: int) -> int:
    """Return an offset behind the headers, which by their new size has changed by so many bytes."""
    if at + by > MOST_BYTES:
        raise ModelError(f"offset {at} lies behind its end; build it again")
    return at + by
