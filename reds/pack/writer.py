"""Write the `.reds` file, which the runtime reads in place from flash.

The file is little-endian and position independent. `targets/runtime/pack.h` has the order of the sections and
every field. `format` has the same structs, and a test compares the two.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reds.files import write_atomically
from reds.pack import layouts
from reds.pack.arena import model_schedule
from reds.pack.format import (
    ACTIVATION_ALIGNMENT,
    CRC_FROM,
    HEADER,
    LAYER,
    MAGIC,
    PLAN,
    ROOM,
    STANDARDIZED,
    STEP,
    TENSOR,
    VERSION,
)
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.model import MOST_INPUTS, Arena, IntegerLayer, Model, Step
from reds.pack.paths import pack_path, writing
from reds.pack.validate import validate_model
from reds.pack.validate.expect import expect
from reds.rules import check_kind

MOST_BYTES = 2**32 - 1
"""Most bytes of a pack and of an arena, whose offsets have 32 bits."""


@dataclass(frozen=True)
class Sizes:
    """The bytes of a pack, in parts."""

    weights: int
    tables: int
    """Biases, multipliers, factors and activation tables of all subnets."""
    total: int


@dataclass(frozen=True)
class _Section:
    """A table or weights, and the offset where they are stored."""

    data: bytes = b""
    at: int = 0


def dumps(model: Model, chosen: Sequence[Layout] | None = None) -> bytes:
    """Return the bytes of a pack.

    Args:
        model: The integer network.
        chosen: The layout of each layer; by default the canonical one of all.

    Raises:
        ModelError: The model breaks a rule.
    """
    validate_model(model)
    return serialize(model, chosen or layouts.canonical(model))


def serialize(model: Model, chosen: Sequence[Layout]) -> bytes:
    """Return the bytes of a pack, of a model that keeps every rule, with this layout of each layer.

    Raises:
        ModelError: An arena or the pack takes 4 GiB or more.
    """
    tensors_at = HEADER.size
    layers_at = tensors_at + TENSOR.size * len(model.tensors)
    plans_at = layers_at + LAYER.size * len(model.layers)
    rooms_at = plans_at + PLAN.size * len(model.subnets)
    steps = sum(len(subnet.steps) for subnet in model.subnets)
    tables_at = rooms_at + ROOM.size * len(model.tensors) * len(model.subnets) + STEP.size * steps
    body = _Body(tables_at)

    plans = _plans(model, chosen, body, rooms_at)
    weights = [
        body.add(layout.weights(layer), layout.alignment)
        for layer, layout in zip(model.layers, chosen, strict=True)
    ]
    layers = b"".join(map(_layer, model.layers, chosen, weights))
    tensors = b"".join(TENSOR.pack(t.height, t.width, t.units, 0) for t in model.tensors)
    size = body.end
    expect(size <= MOST_BYTES, f"the pack takes {size:,} bytes: at most {MOST_BYTES:,} are possible")

    def header(crc: int) -> bytes:
        flags = STANDARDIZED if model.standardized else 0
        counts = (len(model.tensors), len(model.layers), len(model.subnets), flags)
        offsets = (tensors_at, layers_at, plans_at, tables_at)
        quantization = (model.input_scale, model.input_zero)
        return HEADER.pack(MAGIC, VERSION, size, crc, *counts, *offsets, *quantization, model.name.encode())

    rest = (header(0) + tensors + layers + plans)[CRC_FROM:] + body.bytes()
    return header(zlib.crc32(rest))[:CRC_FROM] + rest


class _Body:
    """The tables and weights that follow the steps, each at an aligned offset."""

    def __init__(self, start: int) -> None:
        self.end = start
        self._chunks: list[bytes] = []

    def add(self, data: bytes, alignment: int, smaller: _Section = _Section()) -> _Section:
        """Append data and return its section; `smaller`, that of the smaller subnet, is shared if equal."""
        if not data or data == smaller.data:
            return smaller if data else _Section()
        gap = -self.end % alignment
        self._chunks.append(bytes(gap) + data)
        self.end += gap + len(data)
        return _Section(data, self.end - len(data))

    def bytes(self) -> bytes:
        return b"".join(self._chunks)


@dataclass(frozen=True)
class _Tables:
    """Sections that a step stores: its table, its plain rows and its activation table."""

    table: _Section = _Section()
    plain: _Section = _Section()
    activation: _Section = _Section()


def _layer(layer: IntegerLayer, layout: Layout, weights: _Section) -> bytes:
    inputs = (*layer.inputs, *[0] * MOST_INPUTS)[:MOST_INPUTS]
    shape = (*layer.kernel, *layer.stride, *layer.padding, *layer.dilation, layer.groups)
    kind = layer.kind, layer.relu, len(layer.inputs), layout.id
    return LAYER.pack(*kind, *inputs, *shape, weights.at, len(weights.data))


def _plans(model: Model, chosen: Sequence[Layout], body: _Body, rooms_at: int) -> bytes:
    """Return all plans, then the rooms and the steps of each, and add the tables to the body."""
    plans, parts = b"", b""
    stored: dict[int, _Tables] = {}  # by layer, of the largest subnet so far that runs it
    for index, subnet in enumerate(model.subnets):
        for step in subnet.steps:
            layer, layout = model.layers[step.layer], chosen[step.layer]
            smaller = stored.get(step.layer, _Tables())
            activation = b"" if step.activation is None else step.activation.table.tobytes()
            stored[step.layer] = _Tables(
                body.add(layout.table(layer, step), layout.alignment, smaller.table),
                body.add(layout.plain(layer, step), layout.alignment, smaller.plain),
                body.add(activation, ACTIVATION_ALIGNMENT, smaller.activation),
            )
        arena = layouts.plan(model, index, chosen)
        needs = f"subnet {subnet.name} takes an arena of {arena.size:,} bytes"
        expect(arena.size <= MOST_BYTES, f"{needs}: at most {MOST_BYTES:,} are possible")
        rooms = _rooms(model, index, arena)
        at = rooms_at + len(parts)
        plans += PLAN.pack(
            subnet.name.encode(), subnet.macs, arena.size, subnet.output_scale,
            at, at + len(rooms), len(subnet.steps),
        )  # fmt: skip
        steps = (
            _step(step, scratch, stored[step.layer])
            for step, scratch in zip(subnet.steps, arena.scratch, strict=True)
        )
        parts += rooms + b"".join(steps)
    return plans + parts


def _rooms(model: Model, index: int, arena: Arena) -> bytes:
    at = dict(zip(model_schedule(model, index).tensors, arena.tensors, strict=True))
    return b"".join(
        ROOM.pack(at.get(room.holds, 0), room.units, room.holds, room.zero) for room in model.rooms(index)
    )


def _step(step: Step, scratch: int, tables: _Tables) -> bytes:
    stored = tables.table.at, tables.plain.at, tables.activation.at
    return STEP.pack(step.layer, step.kernel_zero, scratch, *stored)


def save(model: Model, path: str | Path, chosen: Sequence[Layout] | None = None) -> bytes:
    """Write a pack atomically and return its bytes.

    Args:
        model: The integer network.
        path: The file to write or replace.
        chosen: The layout of each layer; by default the canonical one, which benches and `reds` read.

    Raises:
        ModelError: The model breaks a rule.
        PackError: The file cannot be written.
        SettingsError: The model is of another type.
    """
    check_kind("model", model, Model, "give what reds.quantize returns")
    path, data = pack_path(path), dumps(model, chosen)
    with writing(path):
        write_atomically(path, data)
    return data


def sizes(model: Model) -> Sizes:
    """Return the bytes of the canonical pack, in parts; what subnets share is counted once."""
    weights = sum(len(CANONICAL.weights(layer)) for layer in model.layers)
    tables, stored = 0, dict[tuple[int, int], bytes]()
    for subnet in model.subnets:
        for step in subnet.steps:
            activation = b"" if step.activation is None else step.activation.table.tobytes()
            for part, data in enumerate((CANONICAL.table(model.layers[step.layer], step), activation)):
                if data and stored.get((step.layer, part)) != data:
                    stored[step.layer, part] = data
                    tables += len(data)
    return Sizes(weights, tables, len(dumps(model)))
