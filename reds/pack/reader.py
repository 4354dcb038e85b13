"""Read a canonical pack, and check every byte.

A pack may come from anywhere. One that is damaged, or that the writer would not write, is refused with
the reason.
Sections are read in the order in which they are written, so nothing larger than the file is ever made of it.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import ModelError, PackError
from reds.pack.difference import first_difference
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
from reds.pack.layouts import CANONICAL, LAYOUTS, Layout, canonical
from reds.pack.model import (
    FACTORED,
    MOST_INPUTS,
    Activation,
    Arena,
    IntegerLayer,
    Kind,
    Model,
    Room,
    Step,
    Subnet,
    TensorShape,
    table_rows,
)
from reds.pack.padding import round_up
from reds.pack.validate import validate_model
from reds.pack.validate.rooms import validate_rooms
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


def outline(data: bytes) -> tuple[Model, tuple[Layout, ...]]:
    """Return what the headers of a pack say, in any layout, and the layout of each layer.

    In a pack for a device the model lacks tables, its weights and activation tables are zeros, and neither
    these nor the arenas are checked: they are for the kernels of the device.

    Raises:
        ModelError: The bytes are damaged, or the headers break a rule.
    """
    reader = _Reader(data)
    model = reader.parts()
    _refuse_if(not (model.tensors and model.layers and model.subnets), "it has no layer or no subnet")
    for index, subnet in enumerate(model.subnets):
        validate_rooms(f"subnet {subnet.name}", model, index)
    return model, reader.layouts


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
        magic, version, size, crc = self.header[:4]
        begins = f"it begins with {magic!r}, not with {MAGIC.decode()}"
        _refuse_if(magic != MAGIC, f"{begins}; name a .reds file")
        old = version & 0xFFFF == 1  # in version 1 the field has 16 bits, and the layout follows
        _refuse_if(old, f"its format is version 1, not {VERSION}; convert it with `reds convert`")
        reads = f"its format is version {version}, but this program reads {VERSION}"
        _refuse_if(version != VERSION, f"{reads}; build it again")
        cut = f"it is cut short or padded: it has {len(data)} bytes of {size}"
        _refuse_if(size != len(data), f"{cut}; copy or build it again")
        found = zlib.crc32(data[CRC_FROM:])
        changed = f"its checksum does not match, some bytes have changed: {found:08x}, not {crc:08x}"
        _refuse_if(crc != found, f"{changed}; copy or build it again")
        self.layouts: tuple[Layout, ...] = ()

    def model(self) -> Model:
        model, layers_at = self.parts(), self.header[9]
        for layout in self.layouts:
            laid_out = f"it is laid out for a device ({layout.name}), not canonical"
            _refuse_if(layout is not CANONICAL, f"{laid_out}; name the pack that it was converted from")
        weighted = tuple(
            replace(
                layer,
                weights=self._weights(layers_at + i * LAYER.size, f"layer {i}", layer.weights.shape),
            )
            for i, layer in enumerate(model.layers)
        )
        model = replace(model, layers=weighted)
        validate_model(model)
        difference = first_difference(self.data, serialize(model, canonical(model)))
        _refuse_if(bool(difference), f"{difference}; build it again")
        return model

    def parts(self) -> Model:
        """Return the model with weights of 0, which take no memory; in a canonical pack with its tables."""
        tensor_count, layer_count, subnet_count, flags = self.header[4:8]
        tensors_at, layers_at, plans_at, tables_at = self.header[8:12]
        scale, zero, name = self.header[12:]
        self._take(tensors_at, tensor_count * TENSOR.size, "the tensors")
        tensors = tuple(self._tensor(tensors_at + i * TENSOR.size) for i in range(tensor_count))
        self._take(layers_at, layer_count * LAYER.size, "the layers")
        layers = [self._layer(layers_at + i * LAYER.size, i, tensors) for i in range(layer_count)]
        self.layouts = tuple(self._layout(layers_at + i * LAYER.size, i) for i in range(layer_count))
        self._take(plans_at, subnet_count * PLAN.size, "the plans")
        plans = [PLAN.unpack_from(self.data, plans_at + i * PLAN.size) for i in range(subnet_count)]
        for i, (*_, rooms_at, steps_at, steps) in enumerate(plans):
            self._take(rooms_at, tensor_count * ROOM.size, f"the rooms of subnet {i}")
            self._take(steps_at, steps * STEP.size, f"the steps of subnet {i}")
        begin = f"its tables begin at {tables_at}, but its steps end at {self.end}"
        _refuse_if(tables_at != self.end, f"{begin}; build it again")
        self.stored: dict[tuple[int, str], tuple[int, int]] = {}
        subnets = tuple(self._subnet(plan, i, layers) for i, plan in enumerate(plans))
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
        kind, relu, input_count = fields[:3]
        windows, groups = (fields[8:10], fields[10:12], fields[12:16], fields[16:18]), fields[18]
        _refuse_if(kind not in _KINDS, f"{where} has the unknown kind {kind}")
        _refuse_if(relu > 1, f"{where} has {relu} for its ReLU, but 0 or 1 is needed")
        reads = f"{where} reads {input_count} tensors"
        _refuse_if(not 0 < input_count <= MOST_INPUTS, f"{reads}, but 1 to {MOST_INPUTS} are possible")
        inputs, output = fields[4 : 4 + input_count], index + 1
        last = max(*inputs, output)
        _refuse_if(last >= len(tensors), f"{where} names tensor {last}, but there are {len(tensors)}")
        _refuse_if(not groups, f"{where} has 0 groups, but 1 or more are needed")
        none = np.zeros((0, 0), np.int8)
        layer = IntegerLayer(Kind(kind), inputs, output, none, bool(relu), *windows, groups)
        return replace(layer, weights=np.broadcast_to(np.int8(0), layer.weight_shape(tensors)))

    def _layout(self, at: int, index: int) -> Layout:
        number = LAYER.unpack_from(self.data, at)[3]
        unknown = f"layer {index} has the unknown layout {number}"
        _refuse_if(number not in LAYOUTS, f"{unknown}; build it again")
        return LAYOUTS[number]

    def _weights(self, at: int, where: str, shape: tuple[int, ...]) -> NDArray[np.int8]:
        weights_at, size = LAYER.unpack_from(self.data, at)[19:21]
        needed = shape[0] * shape[1]
        _refuse_if(
            size != needed,
            f"{where} has {size} bytes of weights, but {shape[0]} x {shape[1]} are needed",
        )
        if needed:
            self._take(weights_at, needed, f"the weights of {where}", CANONICAL.alignment)
        return np.frombuffer(self.data, np.int8, needed, weights_at if needed else 0).reshape(shape).copy()

    def _subnet(self, plan: tuple[Any, ...], index: int, layers: Sequence[IntegerLayer]) -> Subnet:
        where = f"subnet {index}"
        name, macs, arena_size, scale, rooms_at, steps_at, count = plan
        rooms, at = [], []
        for tensor in range(len(layers) + 1):
            offset, units, holds, zero = ROOM.unpack_from(self.data, rooms_at + tensor * ROOM.size)
            rooms.append(Room(holds, units, zero))
            at.append(offset)
        fields = [STEP.unpack_from(self.data, steps_at + i * STEP.size) for i in range(count)]
        for i, (layer, *_) in enumerate(fields):
            named = f"{where} names layer {layer} in step {i}"
            _refuse_if(layer >= len(layers), f"{named}, but there are {len(layers)}; build it again")
        steps = tuple(self._step(field, layers[field[0]], rooms, where) for field in fields)
        tensors = 0, *(step.layer + 1 for step in steps)
        arena = Arena(tuple(at[t] for t in tensors), tuple(field[2] for field in fields), arena_size)
        stands = {tensor: room.holds for tensor, room in enumerate(rooms) if room.holds != tensor}
        return Subnet(_text(name, f"the name of {where}"), macs, steps, scale, stands, arena)

    def _step(self, fields: tuple[int, ...], layer: IntegerLayer, rooms: Sequence[Room], subnet: str) -> Step:
        index, kernel_zero, _, table_at, _, activation_at = fields
        where, output = f"{subnet}, layer {index}", rooms[layer.output]
        units = rooms[layer.inputs[0]].units, output.units
        if any(layout is not CANONICAL for layout in self.layouts):
            none, table = np.zeros(0, np.int32), Activation(np.zeros(256, np.int8), kernel_zero)
            return Step(index, *units, none, none, output.zero, activation=table if activation_at else None)
        rows = table_rows(layer.kind, output.units, len(layer.inputs))
        shape = (2, round_up(rows, 4))
        values = self._table(index, "table", table_at if rows else 0, 4 * shape[0] * shape[1], where)
        bias, multiplier = np.frombuffer(values, "<i4").reshape(shape).astype(np.int32)
        factors = (int(bias[1]), int(bias[2])) if layer.kind in FACTORED else (0, 0)
        activation = None
        if activation_at:
            entries = self._table(index, "activation table", activation_at, 256, where)
            activation = Activation(np.frombuffer(entries, np.int8).copy(), kernel_zero)
        return Step(index, *units, bias[:rows], multiplier[:rows], output.zero, factors, activation)

    def _table(self, layer: int, what: str, at: int, size: int, where: str) -> bytes:
        """Return the bytes of a table, which is the next section, or that of the next smaller subnet."""
        if size and (at, size) != self.stored.get((layer, what)):
            alignment = CANONICAL.alignment if what == "table" else ACTIVATION_ALIGNMENT
            self._take(at, size, f"the entries of the {what} of {where}", alignment)
        self.stored[layer, what] = (at, size)
        return self.data[at : at + size]


_KINDS = frozenset(int(kind) for kind in Kind)


def _text(raw: bytes, field: str) -> str:
    try:
        return raw.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{field} is not UTF-8 text") from error
