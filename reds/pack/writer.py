"""The `.reds` file: one weight set, all subnets; read in place from flash by the runtime, checked here.

Little-endian, position independent. The order of sections and every field is in `targets/runtime/pack.h`;
`format` has its structs, and `tests/reds/test_pack.py` holds the two against each other.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

from reds.files import write_whole
from reds.pack import layouts
from reds.pack.format import CRC_FROM, HEADER, LAYER, MAGIC, PLAN, STEP, TENSOR, VERSION
from reds.pack.layouts import CANONICAL, Layout
from reds.pack.model import IntegerLayer, Model
from reds.pack.validate import check


@dataclass(frozen=True)
class Sizes:
    """Bytes of a pack by what they hold."""

    weights: int
    tables: int
    total: int


def dumps(model: Model, layout: Layout = CANONICAL) -> bytes:
    """The pack's bytes in a layout. Raises `ModelError` if the model breaks a rule."""
    check(model)
    plan_size = PLAN.size + STEP.size * len(model.layers)
    tensors_at = HEADER.size
    layers_at = tensors_at + TENSOR.size * len(model.tensors)
    plans_at = layers_at + LAYER.size * len(model.layers)
    body = _Body(plans_at + plan_size * len(model.subnets), layout.alignment)

    plans = b"".join(_plan(model, s, layout, body) for s in range(len(model.subnets)))
    layers = b"".join(_layer(layer, body.add(layout.weights(layer))) for layer in model.layers)
    tensors = b"".join(TENSOR.pack(t.height, t.width, t.units, 0) for t in model.tensors)
    size = body.end

    def header(crc: int) -> bytes:
        counts = (len(model.tensors), len(model.layers), len(model.subnets), 0)
        places = (tensors_at, layers_at, plans_at, plan_size)
        quantization = (model.input_scale, model.input_zero)
        return HEADER.pack(
            MAGIC, VERSION, layout.id, size, crc, *counts, *places, *quantization, model.name.encode()
        )

    rest = (header(0) + tensors + layers + plans)[CRC_FROM:] + body.bytes()
    return header(zlib.crc32(rest))[:CRC_FROM] + rest


class _Body:
    """Sections after the plans, each at an aligned offset; equal sections are stored once."""

    def __init__(self, start: int, alignment: int) -> None:
        self.end = start
        self._alignment = alignment
        self._chunks: list[bytes] = []
        self._seen: dict[bytes, int] = {}

    def add(self, data: bytes) -> tuple[int, int]:
        if not data:
            return 0, 0
        if data not in self._seen:
            gap = -self.end % self._alignment
            self._chunks.append(bytes(gap) + data)
            self._seen[data] = self.end + gap
            self.end += gap + len(data)
        return self._seen[data], len(data)

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
    place = layouts.plan(model, index, layout)
    zeros = model.zeros(index)
    out = PLAN.pack(subnet.name.encode(), subnet.macs, place.size, subnet.output_scale, 0)
    for i, (layer, step) in enumerate(zip(model.layers, subnet.steps, strict=True)):
        first = place.tensors[layer.inputs[0]]
        second = place.tensors[layer.inputs[-1]] if len(layer.inputs) > 1 else 0
        places = (first, second, place.tensors[layer.output], place.scratch[i])
        table, plain = body.add(layout.table(layer, step))[0], body.add(layout.plain(layer, step))[0]
        zero_in = zeros[layer.inputs[0]]
        out += STEP.pack(step.units_in, step.units_out, *places, table, plain, step.zero, zero_in, 0)
    return out


def save(model: Model, path: Path, layout: Layout = CANONICAL) -> bytes:
    """Write the pack, whole or not at all, and return its bytes. Raises `ModelError`, `OSError`."""
    data = dumps(model, layout)
    write_whole(path, data)
    return data


def sizes(model: Model) -> Sizes:
    """Bytes of the canonical pack by what they hold."""
    weights = sum(len(CANONICAL.weights(layer)) for layer in model.layers)
    rows = [(layer, step) for s in model.subnets for layer, step in zip(model.layers, s.steps, strict=True)]
    return Sizes(weights, sum(len(CANONICAL.table(*row)) for row in rows), len(dumps(model)))
