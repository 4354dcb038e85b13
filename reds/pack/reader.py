"""Read a canonical pack, and check every byte.

A pack may come from anywhere. One that is damaged, or that the writer would not write, is refused with
the reason.
Sections are read in the order in which they are written, so nothing larger than the file is ever made of it.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError, PackError
from reds.pack.difference import first_difference
from reds.pack.format import CRC_FROM, HEADER, LAYER, MAGIC, PLAN, STANDARDIZED, STEP, TENSOR, VERSION
from reds.pack.layouts import CANONICAL, LAYOUTS
from reds.pack.model import (
    FACTORED,
    WEIGHTED,
    Arena,
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
from reds.pack.writer import MOST_BYTES, serialize
from reds.reading import read_regular, reason


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


def outline(data: bytes) -> tuple[Model, str]:
    """Return what the headers of a pack in the layout of a device say, and the name of the layout.

    The model lacks tables, its weights are zeros, and neither these nor the arenas are checked: they are for
    the kernels of the device.

    Raises:
        ModelError: The bytes are damaged, or the headers break a rule.
    """
    reader = _Reader(data)
    _refuse_if(reader.layout not in LAYOUTS, f"its layout {reader.layout} is unknown; build it again")
    model = reader.parts()
    _refuse_if(not (model.tensors and model.layers and model.subnets), "it has no layer or no subnet")
    return model, LAYOUTS[reader.layout].name


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a pack's file.

    Raises:
        PackError: The file cannot be read.
    """
    try:
        return read_regular(path, MOST_BYTES)
    except OSError as error:
        raise PackError(f"{path}: cannot read the pack: {reason(error)}; name a .reds file") from error


def _refuse_if(broken: bool, reason: str) -> None:
    if broken:
        raise ModelError(reason)


class _Reader:
    """Reads the sections of one pack in order, and checks each range first."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.end = HEADER.size
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
        self.layout = layout

    def model(self) -> Model:
        laid_out = f"it is laid out for a device (layout {self.layout}), not canonical"
        _refuse_if(self.layout != CANONICAL.id, f"{laid_out}; name the pack that it was converted from")
        model, layers_at = self.parts(), self.header[10]
        weighted = tuple(
            replace(
                layer,
                weights=self._weights(layers_at + i * LAYER.size, f"layer {i}", layer.weights.shape),
            )
            for i, layer in enumerate(model.layers)
        )
        model = replace(model, layers=weighted)
        validate_model(model)
        difference = first_difference(self.data, serialize(model, CANONICAL))
        _refuse_if(bool(difference), f"{difference}; build it again")
        return model

    def parts(self) -> Model:
        """Return the model with weights of 0, which take no memory; in a canonical pack with its tables."""
        tensor_count, layer_count, subnet_count, flags = self.header[5:9]
        tensors_at, layers_at, plans_at, plan_size = self.header[9:13]
        scale, zero, name = self.header[13:]
        needed = PLAN.size + STEP.size * layer_count
        _refuse_if(
            plan_size != needed, f"its plans take {plan_size} bytes, but {layer_count} layers need {needed}"
        )
        self._take(tensors_at, tensor_count * TENSOR.size, "the tensors")
        tensors = tuple(self._tensor(tensors_at + i * TENSOR.size) for i in range(tensor_count))
        self._take(layers_at, layer_count * LAYER.size, "the layers")
        layers = [self._layer(layers_at + i * LAYER.size, i, tensors) for i in range(layer_count)]
        self._take(plans_at, subnet_count * plan_size, "the plans")
        self.tables: list[tuple[int, int]] = [(0, 0)] * layer_count
        subnets = tuple(self._subnet(plans_at + i * plan_size, i, layers) for i in range(subnet_count))
        standardized = bool(flags & STANDARDIZED)
        return Model(
            _text(name, "the pack's name"), tensors, tuple(layers), subnets, scale, zero, standardized
        )

    def _take(self, at: int, size: int, section: str, alignment: int = 1) -> None:
        """Move the end of what is read past the next section, which begins at `at`."""
        start, last = round_up(self.end, alignment), len(self.data)
        _refuse_if(
            at != start or at + size > last,
            f"{section} lie in bytes {at} to {at + size}, but the next section begins at {start} and the pack"
            f" ends at {last}; build it again",
        )
        self.end = at + size

    def _tensor(self, at: int) -> TensorShape:
        height, width, units, _ = TENSOR.unpack_from(self.data, at)
        return TensorShape(height, width, units)

    def _layer(self, at: int, index: int, tensors: Sequence[TensorShape]) -> IntegerLayer:
        where, fields = f"layer {index}", LAYER.unpack_from(self.data, at)
        kind, relu, input_count, _, first, second, output, _ = fields[:8]
        kernel, stride, padding = fields[8:10], fields[10:12], fields[12:16]
        _refuse_if(kind not in _KINDS, f"{where} has the unknown kind {kind}")
        _refuse_if(relu > 1, f"{where} has {relu} for its ReLU, but 0 or 1 is needed")
        _refuse_if(input_count not in (1, 2), f"{where} reads {input_count} tensors, but 1 or 2 is needed")
        inputs = (first, second)[:input_count]
        last = max(*inputs, output)
        _refuse_if(last >= len(tensors), f"{where} names tensor {last}, but there are {len(tensors)}")
        shape = (0, 0)
        if kind in WEIGHTED:
            units_in = 1 if kind == Kind.DEPTHWISE else tensors[first].units
            shape = (tensors[output].units, kernel[0] * kernel[1] * units_in)
        none = np.broadcast_to(np.int8(0), shape)
        return IntegerLayer(Kind(kind), inputs, output, none, bool(relu), kernel, stride, padding)

    def _weights(self, at: int, where: str, shape: tuple[int, ...]) -> NDArray[np.int8]:
        weights_at, size = LAYER.unpack_from(self.data, at)[16:18]
        needed = shape[0] * shape[1]
        _refuse_if(
            size != needed,
            f"{where} has {size} bytes of weights, but {shape[0]} x {shape[1]} are needed",
        )
        if needed:
            self._take(weights_at, needed, f"the weights of {where}", CANONICAL.alignment)
        return np.frombuffer(self.data, np.int8, needed, weights_at if needed else 0).reshape(shape).copy()

    def _subnet(self, at: int, index: int, layers: Sequence[IntegerLayer]) -> Subnet:
        where = f"subnet {index}"
        name, macs, arena_size, scale, _ = PLAN.unpack_from(self.data, at)
        fields = [STEP.unpack_from(self.data, at + PLAN.size + i * STEP.size) for i in range(len(layers))]
        steps = tuple(
            self._step(fields[i], i, layer.kind, f"{where}, layer {i}") for i, layer in enumerate(layers)
        )
        tensors = *(each[2] for each in fields[:1]), *(each[4] for each in fields)
        arena = Arena(tensors, tuple(each[5] for each in fields), arena_size)
        return Subnet(_text(name, f"the name of {where}"), macs, steps, scale, arena)

    def _step(self, fields: tuple[int, ...], index: int, kind: Kind, where: str) -> Step:
        units_in, units_out, table_at, zero = fields[0], fields[1], fields[6], fields[8]
        if self.layout != CANONICAL.id:
            none = np.zeros(0, np.int32)
            return Step(units_in, units_out, none, none, zero)
        rows = table_rows(kind, units_out)
        shape = (2, round_up(rows, 4))
        table = table_at if rows else 0, 4 * shape[0] * shape[1]
        if rows and table != self.tables[index]:  # else it is that of the next smaller subnet
            self._take(*table, f"the rows of the table of {where}", CANONICAL.alignment)
        self.tables[index] = table
        values = np.frombuffer(self.data, "<i4", shape[0] * shape[1], table[0]).reshape(shape)
        bias, multiplier = values.astype(np.int32)
        factors = (int(bias[1]), int(bias[2])) if kind in FACTORED else (0, 0)
        return Step(units_in, units_out, bias[:rows], multiplier[:rows], zero, factors)


_KINDS = frozenset(int(kind) for kind in Kind)


def _text(raw: bytes, field: str) -> str:
    try:
        return raw.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{field} is not UTF-8 text") from error
