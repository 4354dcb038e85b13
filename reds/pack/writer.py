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
from reds.pack.format import CRC_FROM, HEADER, LAYER, MAGIC, PLAN, STANDARDIZED, STEP, TENSOR, VERSION
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.model import IntegerLayer, Model
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
    """Biases, multipliers and factors of all subnets."""
    total: int


@dataclass(frozen=True)
class _Section:
    """A table or weights, and the offset where they are stored."""

    data: bytes = b""
    at: int = 0


def dumps(model: Model, layout: Layout = CANONICAL) -> bytes:
    """Return the bytes of a pack in a layout.

    Raises:
        ModelError: The model breaks a rule.
    """
    validate_model(model)
    return serialize(model, layout)


def serialize(model: Model, layout: Layout) -> bytes:
    """Return the bytes of a pack in a layout, of a model that keeps every rule.

    Raises:
        ModelError: An arena or the pack takes 4 GiB or more.
    """
    plan_size = PLAN.size + STEP.size * len(model.layers)
    tensors_at = HEADER.size
    layers_at = tensors_at + TENSOR.size * len(model.tensors)
    plans_at = layers_at + LAYER.size * len(model.layers)
    body = _Body(plans_at + plan_size * len(model.subnets), layout.alignment)

    plans = _plans(model, layout, body)
    layers = b"".join(_layer(layer, body.add(layout.weights(layer))) for layer in model.layers)
    tensors = b"".join(TENSOR.pack(t.height, t.width, t.units, 0) for t in model.tensors)
    size = body.end
    expect(size <= MOST_BYTES, f"the pack takes {size:,} bytes: at most {MOST_BYTES:,} are possible")

    def header(crc: int) -> bytes:
        flags = STANDARDIZED if model.standardized else 0
        counts = (len(model.tensors), len(model.layers), len(model.subnets), flags)
        offsets = (tensors_at, layers_at, plans_at, plan_size)
        quantization = (model.input_scale, model.input_zero)
        return HEADER.pack(
            MAGIC, VERSION, layout.id, size, crc, *counts, *offsets, *quantization, model.name.encode()
        )

    rest = (header(0) + tensors + layers + plans)[CRC_FROM:] + body.bytes()
    return header(zlib.crc32(rest))[:CRC_FROM] + rest


class _Body:
    """The tables and weights that follow the plans, each at an aligned offset."""

    def __init__(self, start: int, alignment: int) -> None:
        self.end = start
        self._alignment = alignment
        self._chunks: list[bytes] = []

    def add(self, data: bytes, smaller: _Section = _Section()) -> _Section:
        """Append data and return its section; `smaller`, that of the smaller subnet, is shared if equal."""
        if not data or data == smaller.data:
            return smaller if data else _Section()
        gap = -self.end % self._alignment
        self._chunks.append(bytes(gap) + data)
        self.end += gap + len(data)
        return _Section(data, self.end - len(data))

    def bytes(self) -> bytes:
        return b"".join(self._chunks)


def _layer(layer: IntegerLayer, weights: _Section) -> bytes:
    inputs = (*layer.inputs, 0)[:2]
    shape = (*layer.kernel, *layer.stride, *layer.padding)
    stored = weights.at, len(weights.data)
    return LAYER.pack(layer.kind, layer.relu, len(layer.inputs), 0, *inputs, layer.output, 0, *shape, *stored)


def _plans(model: Model, layout: Layout, body: _Body) -> bytes:
    plans, tables = b"", [(_Section(), _Section())] * len(model.layers)
    for index, subnet in enumerate(model.subnets):
        tables = [
            (body.add(layout.table(layer, step), table), body.add(layout.plain(layer, step), plain))
            for layer, step, (table, plain) in zip(model.layers, subnet.steps, tables, strict=True)
        ]
        plans += _plan(model, index, layout, tables)
    return plans


def _plan(model: Model, index: int, layout: Layout, tables: Sequence[tuple[_Section, _Section]]) -> bytes:
    subnet = model.subnets[index]
    arena, zeros = layouts.plan(model, index, layout), model.zero_points(index)
    expect(
        arena.size <= MOST_BYTES,
        f"subnet {subnet.name} takes an arena of {arena.size:,} bytes: at most {MOST_BYTES:,} are possible",
    )
    out = PLAN.pack(subnet.name.encode(), subnet.macs, arena.size, subnet.output_scale, 0)
    steps = zip(model.layers, subnet.steps, arena.scratch, tables, strict=True)
    for layer, step, scratch, (table, plain) in steps:
        first = arena.tensors[layer.inputs[0]]
        second = arena.tensors[layer.inputs[-1]] if len(layer.inputs) > 1 else 0
        offsets = (first, second, arena.tensors[layer.output], scratch, table.at, plain.at)
        zero_in = zeros[layer.inputs[0]]
        out += STEP.pack(step.units_in, step.units_out, *offsets, step.zero, zero_in, 0)
    return out


def save(model: Model, path: str | Path, layout: Layout = CANONICAL) -> bytes:
    """Write a pack atomically and return its bytes.

    Args:
        model: The integer network.
        path: The file to write or replace.
        layout: The order of weights and tables; benches and `reds` read the canonical one only.

    Raises:
        ModelError: The model breaks a rule.
        PackError: The file cannot be written.
        SettingsError: The model is of another type.
    """
    check_kind("model", model, Model, "give what reds.quantize returns")
    path, data = pack_path(path), dumps(model, layout)
    with writing(path):
        write_atomically(path, data)
    return data


def sizes(model: Model) -> Sizes:
    """Return the bytes of the canonical pack, in parts."""
    weights = sum(len(CANONICAL.weights(layer)) for layer in model.layers)
    tables = sum(
        len(CANONICAL.table(layer, step))
        for subnet in model.subnets
        for layer, step in zip(model.layers, subnet.steps, strict=True)
    )
    return Sizes(weights, tables, len(dumps(model)))
