"""The `.reds` file: one weight set, all subnets; read in place from flash by the runtime, checked here.

Little-endian, position independent. The order of sections and every field is in `targets/runtime/pack.h`,
the same structs in C; `tests/reds/test_pack.py` holds the two against each other.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds import layouts
from reds.files import write_whole
from reds.layouts import CANONICAL, Layout
from reds.model import FACTORED, REQUANTISED, WEIGHTED, Kind, Layer, Model, ModelError, Step, Subnet, Tensor

MAGIC = b"REDS"
VERSION = 1
HEADER = struct.Struct("<4sHHIIHHHHIIIIfi32s")
"""magic, version, layout, size, crc, tensors, layers, subnets, 0, tensors at, layers at, plans at,
bytes of a plan, input scale, input zero, name"""
TENSOR = struct.Struct("<HHHH")
"""height, width, units, 0"""
LAYER = struct.Struct("<BBBB3HH8BII")
"""kind, relu, inputs, 0, input tensors (2), output tensor, 0, kernel, stride (h, w each), padding
(top, left, bottom, right), weights at, weights bytes"""
PLAN = struct.Struct("<8sIIfI")
"""label, MACs, arena bytes, output scale, 0; then a step for each layer"""
STEP = struct.Struct("<HHIIIIIIbbH")
"""units in, units out, arena offsets of input, second input, output, scratch; table at, plain rows at
(0: none), zero point of the output, of the input, 0"""
_CRC_FROM = 16


class PackError(ValueError):
    """The pack cannot be used; the text names the file and the reason."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of a pack by what they hold."""

    weights: int
    tables: int
    total: int


def dumps(model: Model, layout: Layout = CANONICAL) -> bytes:
    """The pack's bytes in a layout. Raises `ModelError` if the model breaks a rule."""
    model.check()
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
        quantisation = (model.input_scale, model.input_zero)
        return HEADER.pack(
            MAGIC, VERSION, layout.id, size, crc, *counts, *places, *quantisation, model.name.encode()
        )

    rest = (header(0) + tensors + layers + plans)[_CRC_FROM:] + body.bytes()
    return header(zlib.crc32(rest))[:_CRC_FROM] + rest


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


def _layer(layer: Layer, weights: tuple[int, int]) -> bytes:
    inputs = (*layer.inputs, 0)[:2]
    shape = (*layer.kernel, *layer.stride, *layer.padding)
    return LAYER.pack(
        layer.kind, layer.relu, len(layer.inputs), 0, *inputs, layer.output, 0, *shape, *weights
    )


def _plan(model: Model, index: int, layout: Layout, body: _Body) -> bytes:
    subnet = model.subnets[index]
    place = layouts.plan(model, index, layout)
    zeros = model.zeros(index)
    out = PLAN.pack(subnet.label.encode(), subnet.macs, place.size, subnet.output_scale, 0)
    for i, (layer, step) in enumerate(zip(model.layers, subnet.steps, strict=True)):
        first = place.tensors[layer.inputs[0]]
        second = place.tensors[layer.inputs[-1]] if len(layer.inputs) > 1 else 0
        places = (first, second, place.tensors[layer.output], place.scratch[i])
        table, plain = body.add(layout.table(layer, step))[0], body.add(layout.plain(layer, step))[0]
        zero_in = zeros[layer.inputs[0]]
        out += STEP.pack(step.units_in, step.units_out, *places, table, plain, step.zero, zero_in, 0)
    return out


def loads(data: bytes, source: str) -> Model:
    """The model a canonical pack holds. Raises `PackError`, naming `source`, if anything is off."""
    try:
        return _Reader(data).model()
    except (ModelError, struct.error, UnicodeDecodeError) as error:
        raise PackError(f"{source}: not a usable pack: {error}; build it again with `reds build`") from error


def load(path: Path) -> Model:
    """Read a canonical pack. Raises `PackError` if it is missing or anything is off."""
    return loads(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises `PackError` if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackError(f"{path}: cannot read the pack: {error.strerror}") from error


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


def _fail(condition: bool, text: str) -> None:
    if condition:
        raise ModelError(text)


class _Reader:
    """Takes a canonical pack apart, checking each range before it is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        _fail(len(data) < HEADER.size, f"{len(data)} bytes are too few for a header")
        self.header = HEADER.unpack_from(data)
        magic, version, layout, size, crc = self.header[:5]
        _fail(magic != MAGIC, "it does not begin with REDS")
        _fail(version != VERSION, f"its format is version {version}, this program reads {VERSION}")
        _fail(size != len(data), f"it is cut short or padded: {len(data)} bytes of {size}")
        _fail(crc != zlib.crc32(data[_CRC_FROM:]), "its checksum does not match: some bytes have changed")
        _fail(layout != CANONICAL.id, f"it is laid out for a device (layout {layout}), not canonical")

    def _take(self, at: int, size: int, what: str) -> bytes:
        _fail(at < HEADER.size or at + size > len(self.data), f"{what} lies outside the file")
        return self.data[at : at + size]

    def _array(self, at: int, shape: tuple[int, ...], dtype: str, what: str) -> NDArray[np.generic]:
        count = int(np.prod(shape, dtype=np.int64))
        raw = self._take(at, count * np.dtype(dtype).itemsize, what)
        return np.frombuffer(raw, dtype).reshape(shape)

    def model(self) -> Model:
        tensors_n, layers_n, subnets_n = self.header[5:8]
        tensors_at, layers_at, plans_at, plan_size = self.header[9:13]
        scale, zero, name = self.header[13:]
        _fail(plan_size != PLAN.size + STEP.size * layers_n, "plans have another size than their layers need")
        tensors = tuple(
            Tensor(*TENSOR.unpack(self._take(tensors_at + i * TENSOR.size, TENSOR.size, f"tensor {i}"))[:3])
            for i in range(tensors_n)
        )
        layers = tuple(self._layer(layers_at + i * LAYER.size, i, tensors) for i in range(layers_n))
        subnets = tuple(self._subnet(plans_at + s * plan_size, s, layers) for s in range(subnets_n))
        model = Model(_text(name), tensors, layers, subnets, scale, zero)
        model.check()
        return model

    def _layer(self, at: int, index: int, tensors: tuple[Tensor, ...]) -> Layer:
        what = f"layer {index}"
        f = LAYER.unpack(self._take(at, LAYER.size, what))
        kind, relu, inputs_n, _, first, second, output, _ = f[:8]
        known = kind in [k.value for k in Kind]
        _fail(not known or relu > 1 or inputs_n not in (1, 2), f"{what} is of no known kind")
        inputs = (first, second)[:inputs_n]
        _fail(max(*inputs, output) >= len(tensors), f"{what} names a tensor that is not there")
        shape = (0, 0)
        if kind in WEIGHTED:
            shape = (
                tensors[output].units,
                f[8] * f[9] * (tensors[first].units if kind != Kind.DEPTHWISE else 1),
            )
        stated, needed = f[17], shape[0] * shape[1]
        _fail(stated != needed, f"{what} has {stated} bytes of weights, not {shape[0]} x {shape[1]}")
        weights = self._array(f[16], shape, "i1", f"{what}'s weights") if needed else np.zeros(shape)
        return Layer(
            Kind(kind), inputs, output, weights.astype(np.int8), bool(relu), f[8:10], f[10:12], f[12:16]
        )

    def _subnet(self, at: int, index: int, layers: tuple[Layer, ...]) -> Subnet:
        what = f"subnet {index}"
        label, macs, _, scale, _ = PLAN.unpack(self._take(at, PLAN.size, what))
        steps = tuple(
            self._step(at + PLAN.size + i * STEP.size, layer.kind, f"{what}, layer {i}")
            for i, layer in enumerate(layers)
        )
        return Subnet(_text(label), macs, steps, scale)

    def _step(self, at: int, kind: Kind, what: str) -> Step:
        f = STEP.unpack(self._take(at, STEP.size, what))
        units_in, units_out, table, zero = f[0], f[1], f[6], f[8]
        rows = units_out if kind in WEIGHTED else 1 if kind in REQUANTISED else 0
        padded = (2, (rows + 3) // 4 * 4)
        both = self._array(table, padded, "<i4", f"{what}'s table") if rows else np.zeros(padded)
        bias, multiplier = both.astype(np.int32)
        factors = (int(bias[1]), int(bias[2])) if kind in FACTORED else (0, 0)
        return Step(units_in, units_out, bias[:rows], multiplier[:rows], zero, factors)


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode()
