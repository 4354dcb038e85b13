"""Read a canonical pack, and check every range and every rule.

A pack may come from anywhere. A damaged one is refused with the reason.
"""

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
from reds.pack.padding import round_up
from reds.pack.validate import validate_model
from reds.reading import read_regular, reason

MOST_BYTES = 1 << 28
"""Most bytes of a pack's file; no board holds a larger one."""


def unpack(data: bytes) -> Model:
    """Return the model that a canonical pack holds.

    Raises:
        ModelError: The bytes are damaged or break a rule; the text gives the reason.
    """
    return _Reader(data).model()


def loads(data: bytes, source: str) -> Model:
    """Return the model that a canonical pack holds, and name `source` in errors.

    Raises:
        PackError: The bytes are damaged or break a rule.
    """
    try:
        return unpack(data)
    except ModelError as error:
        raise PackError(f"{source}: not a usable pack: {error}") from error


def load(path: Path) -> Model:
    """Read a canonical pack from a file.

    Raises:
        PackError: The file is missing, damaged or breaks a rule.
    """
    return loads(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a pack's file.

    Raises:
        PackError: The file cannot be read.
    """
    try:
        return read_regular(path, MOST_BYTES)
    except OSError as error:
        raise PackError(f"{path}: cannot read the pack: {reason(error)}") from error


def _refuse_if(broken: bool, reason: str) -> None:
    if broken:
        raise ModelError(reason)


class _Reader:
    """Reads the sections of one pack, and checks each range first."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        _refuse_if(
            len(data) < HEADER.size, f"{len(data)} bytes are too few for a header, which takes {HEADER.size}"
        )
        self.header = HEADER.unpack_from(data)
        magic, version, layout, size, crc = self.header[:5]
        begins = f"it begins with {magic!r}, not with {MAGIC.decode()}"
        _refuse_if(magic != MAGIC, f"{begins}; name a .reds file")
        reads = f"its format is version {version}, but this program reads {VERSION}"
        _refuse_if(version != VERSION, f"{reads}; build it again")
        cut = f"it is cut short or padded: it has {len(data)} bytes of {size}"
        _refuse_if(size != len(data), f"{cut}; copy or build it again")
        found = zlib.crc32(data[CRC_FROM:])
        changed = f"its checksum does not match, some bytes have changed: {found:08x}, not {crc:08x}"
        _refuse_if(crc != found, f"{changed}; copy or build it again")
        laid_out = f"it is laid out for a device (layout {layout}), not canonical"
        _refuse_if(layout != CANONICAL.id, f"{laid_out}; name the pack that it was converted from")

    def model(self) -> Model:
        tensor_count, layer_count, subnet_count = self.header[5:8]
        tensors_at, layers_at, plans_at, plan_size = self.header[9:13]
        scale, zero, name = self.header[13:]
        needed = PLAN.size + STEP.size * layer_count
        _refuse_if(
            plan_size != needed, f"its plans take {plan_size} bytes, but {layer_count} layers need {needed}"
        )
        tensors = tuple(self._tensor(tensors_at + i * TENSOR.size, i) for i in range(tensor_count))
        layers = tuple(self._layer(layers_at + i * LAYER.size, i, tensors) for i in range(layer_count))
        subnets = tuple(self._subnet(plans_at + i * plan_size, i, layers) for i in range(subnet_count))
        model = Model(_text(name, "the pack's name"), tensors, layers, subnets, scale, zero)
        validate_model(model)
        return model

    def _bytes(self, offset: int, size: int, section: str) -> bytes:
        _refuse_if(
            offset < HEADER.size or offset + size > len(self.data),
            f"{section} takes bytes {offset} to {offset + size}, but sections lie in {HEADER.size} to"
            f" {len(self.data)}",
        )
        return self.data[offset : offset + size]

    def _array(self, offset: int, shape: tuple[int, ...], dtype: str, section: str) -> NDArray[np.generic]:
        count = int(np.prod(shape, dtype=np.int64))
        raw = self._bytes(offset, count * np.dtype(dtype).itemsize, section)
        return np.frombuffer(raw, dtype).reshape(shape)

    def _tensor(self, offset: int, index: int) -> TensorShape:
        height, width, units, _ = TENSOR.unpack(self._bytes(offset, TENSOR.size, f"tensor {index}"))
        return TensorShape(height, width, units)

    def _layer(self, offset: int, index: int, tensors: tuple[TensorShape, ...]) -> IntegerLayer:
        where = f"layer {index}"
        fields = LAYER.unpack(self._bytes(offset, LAYER.size, where))
        kind, relu, input_count, _, first, second, output, _ = fields[:8]
        kernel, stride, padding = fields[8:10], fields[10:12], fields[12:16]
        weights_at, weights_size = fields[16:18]
        _refuse_if(kind not in [k.value for k in Kind], f"{where} has the unknown kind {kind}")
        _refuse_if(relu > 1, f"{where} has {relu} for its ReLU, but 0 or 1 is needed")
        _refuse_if(input_count not in (1, 2), f"{where} reads {input_count} tensors, but 1 or 2 is needed")
        inputs = (first, second)[:input_count]
        last = max(*inputs, output)
        _refuse_if(last >= len(tensors), f"{where} names tensor {last}, but there are {len(tensors)}")
        shape = (0, 0)
        if kind in WEIGHTED:
            units_in = 1 if kind == Kind.DEPTHWISE else tensors[first].units
            shape = (tensors[output].units, kernel[0] * kernel[1] * units_in)
        needed = shape[0] * shape[1]
        _refuse_if(
            weights_size != needed,
            f"{where} has {weights_size} bytes of weights, but {shape[0]} x {shape[1]} are needed",
        )
        weights = (
            self._array(weights_at, shape, "i1", f"the weights of {where}") if needed else np.zeros(shape)
        )
        return IntegerLayer(
            Kind(kind), inputs, output, weights.astype(np.int8), bool(relu), kernel, stride, padding
        )

    def _subnet(self, offset: int, index: int, layers: tuple[IntegerLayer, ...]) -> Subnet:
        where = f"subnet {index}"
        name, macs, _, scale, _ = PLAN.unpack(self._bytes(offset, PLAN.size, where))
        steps = tuple(
            self._step(offset + PLAN.size + i * STEP.size, layer.kind, f"{where}, layer {i}")
            for i, layer in enumerate(layers)
        )
        return Subnet(_text(name, f"the name of {where}"), macs, steps, scale)

    def _step(self, offset: int, kind: Kind, where: str) -> Step:
        fields = STEP.unpack(self._bytes(offset, STEP.size, where))
        units_in, units_out, table_at, zero = fields[0], fields[1], fields[6], fields[8]
        rows = table_rows(kind, units_out)
        shape = (2, round_up(rows, 4))
        table = self._array(table_at, shape, "<i4", f"the table of {where}") if rows else np.zeros(shape)
        bias, multiplier = table.astype(np.int32)
        factors = (int(bias[1]), int(bias[2])) if kind in FACTORED else (0, 0)
        return Step(units_in, units_out, bias[:rows], multiplier[:rows], zero, factors)


def _text(raw: bytes, field: str) -> str:
    try:
        return raw.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{field} is not UTF-8 text") from error
