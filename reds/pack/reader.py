"""Takes a canonical pack apart, every range and every rule checked."""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError, PackError
from reds.pack.format import CRC_FROM, HEADER, LAYER, MAGIC, PLAN, STEP, TENSOR, VERSION
from reds.pack.layouts import CANONICAL
from reds.pack.model import (
    FACTORED,
    WEIGHTED,
    IntegerLayer,
    Kind,
    Model,
    Step,
    Subnet,
    TensorShape,
    table_rows,
)
from reds.pack.padding import up
from reds.pack.validate import check


def unpack(data: bytes) -> Model:
    """The model that a canonical pack holds. Raises `ModelError`, with the reason, if anything is off."""
    return _Reader(data).model()


def loads(data: bytes, source: str) -> Model:
    """The model a canonical pack holds. Raises `PackError`, naming `source`, if anything is off."""
    try:
        return unpack(data)
    except ModelError as error:
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


def _fail(condition: bool, text: str) -> None:
    if condition:
        raise ModelError(text)


class _Reader:
    """Checks each range before it is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        _fail(len(data) < HEADER.size, f"{len(data)} bytes are too few for a header")
        self.header = HEADER.unpack_from(data)
        magic, version, layout, size, crc = self.header[:5]
        _fail(magic != MAGIC, "it does not begin with REDS")
        _fail(version != VERSION, f"its format is version {version}, this program reads {VERSION}")
        _fail(size != len(data), f"it is cut short or padded: {len(data)} bytes of {size}")
        _fail(crc != zlib.crc32(data[CRC_FROM:]), "its checksum does not match: some bytes have changed")
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
            TensorShape(
                *TENSOR.unpack(self._take(tensors_at + i * TENSOR.size, TENSOR.size, f"tensor {i}"))[:3]
            )
            for i in range(tensors_n)
        )
        layers = tuple(self._layer(layers_at + i * LAYER.size, i, tensors) for i in range(layers_n))
        subnets = tuple(self._subnet(plans_at + s * plan_size, s, layers) for s in range(subnets_n))
        model = Model(_text(name), tensors, layers, subnets, scale, zero)
        check(model)
        return model

    def _tensor(self, at: int, index: int) -> TensorShape:
        height, width, units, _ = TENSOR.unpack(self._take(at, TENSOR.size, f"tensor {index}"))
        return TensorShape(height, width, units)

    def _layer(self, at: int, index: int, tensors: tuple[TensorShape, ...]) -> IntegerLayer:
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
        return IntegerLayer(
            Kind(kind), inputs, output, weights.astype(np.int8), bool(relu), f[8:10], f[10:12], f[12:16]
        )

    def _subnet(self, at: int, index: int, layers: tuple[IntegerLayer, ...]) -> Subnet:
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
        rows = table_rows(kind, units_out)
        shape = (2, up(rows, 4))
        both = self._array(table, shape, "<i4", f"{what}'s table") if rows else np.zeros(shape)
        bias, multiplier = both.astype(np.int32)
        factors = (int(bias[1]), int(bias[2])) if kind in FACTORED else (0, 0)
        return Step(units_in, units_out, bias[:rows], multiplier[:rows], zero, factors)


def _text(raw: bytes) -> str:
    try:
        return raw.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise ModelError("a name or a label is not text") from error
