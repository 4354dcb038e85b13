"""Write the `.reds` file, which the runtime reads in place from flash.

The file is little-endian and position independent. `targets/runtime/pack.h` has the order of the sections and
every field. `format` has the same structs, and a test compares the two.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

from reds.files import write_atomically
from reds.pack import layouts
from reds.pack.format import CRC_FROM, HEADER, LAYER, MAGIC, PLAN, STEP, TENSOR, VERSION
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.model import IntegerLayer, Model
from reds.pack.validate import validate_model


@dataclass(frozen=True)
class Sizes:
    """The bytes of a pack, in parts."""

    weights: int
    tables: int
    """Biases, multipliers and factors of all subnets."""
    total: int


def dumps(model: Model, layout: Layout = CANONICAL) -> bytes:
    """Return the bytes of a pack in a layout.

    Raises:
        ModelError: The model breaks a rule.
    """
    validate_model(model)
    plan_size = PLAN.size + STEP.size * len(model.layers)
    tensors_at = HEADER.size
    layers_at = tensors_at + TENSOR.size * len(model.tensors)
    plans_at = layers_at + LAYER.size * len(model.layers)
    body = _Body(plans_at + plan_size * len(model.subnets), layout.alignment)

    plans = b"".join(_plan(model, i, layout, body) for i in range(len(model.subnets)))
    layers = b"".join(_layer(layer, body.add(layout.weights(layer))) for layer in model.layers)
    tensors = b"".join(TENSOR.pack(t.height, t.width, t.units, 0) for t in model.tensors)
    size = body.end

    def header(crc: int) -> bytes:
        counts = (len(model.tensors), len(model.layers), len(model.subnets), 0)
        offsets = (tensors_at, layers_at, plans_at, plan_size)
        quantization = (model.input_scale, model.input_zero)
        return HEADER.pack(
            MAGIC, VERSION, layout.id, size, crc, *counts, *offsets, *quantization, model.name.encode()
        )

    rest = (header(0) + tensors + layers + plans)[CRC_FROM:] + body.bytes()
    return header(zlib.crc32(rest))[:CRC_FROM] + rest


class _Body:
    """The weights and tables that follow the plans, each at an aligned offset; equal ones are stored once."""

    def __init__(self, start: int, alignment: int) -> None:
        self.end = start
        self._alignment = alignment
        self._chunks: list[bytes] = []
        self._offsets: dict[bytes, int] = {}

    def add(self, data: bytes) -> tuple[int, int]:
        """Return offset and size of the data, appended unless it is there already; (0, 0) for no data."""
        if not data:
            return 0, 0
        if data not in self._offsets:
            gap = -self.end % self._alignment
            self._chunks.append(bytes(gap) + data)
            self._offsets[data] = self.end + gap
            self.end += gap + len(data)
        return self._offsets[data], len(data)

    def bytes(self) -> bytes:
        return b"".join(self._chunks)


def _layer(layer: IntegerLayer, weights: tuple[int, int]) -> bytes:
    inputs = (*layer.inputs, 0)[:2]
    shape = (*layer.kernel, *layer.stride, *layer.padding)
    return LAYER.pack(
        layer.kind, layer.relu, len(layer.inputs), 0, *inputs, layer.output, 0, *shape, *weights
    )


def _plan(model: Model, index: int, layout: Layout, body: _Body) -> bytes:
    subnet = model.subnets[index]
    arena = layouts.plan(model, index, layout)
    zeros = model.zero_points(index)
    out = PLAN.pack(subnet.name.encode(), subnet.macs, arena.size, subnet.output_scale, 0)
    for i, (layer, step) in enumerate(zip(model.layers, subnet.steps, strict=True)):
        first = arena.tensors[layer.inputs[0]]
        second = arena.tensors[layer.inputs[-1]] if len(layer.inputs) > 1 else 0
        offsets = (first, second, arena.tensors[layer.output], arena.scratch[i])
        table_at, _ = body.add(layout.table(layer, step))
        plain_at, _ = body.add(layout.plain(layer, step))
        zero_in = zeros[layer.inputs[0]]
        out += STEP.pack(step.units_in, step.units_out, *offsets, table_at, plain_at, step.zero, zero_in, 0)
    return out


def save(model: Model, path: Path, layout: Layout = CANONICAL) -> bytes:
    """Write a pack atomically and return its bytes.

    Args:
        model: The integer network.
        path: The file to write or replace.
        layout: The order of weights and tables; benches and `reds` read the canonical one only.

    Raises:
        ModelError: The model breaks a rule.
        OSError: The file cannot be written.
    """
    data = dumps(model, layout)
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
