"""Write packs of format version 1, which the converter reads."""

import struct
import zlib

from reds.pack import arena
from reds.pack.format import TENSOR
from reds.pack.layouts import CANONICAL
from reds.pack.model import Model

HEADER = struct.Struct("<4sHHIIHHHHIIIIfi32s")
LAYER = struct.Struct("<BBBB3HH8BII")
PLAN = struct.Struct("<8sIIfI")
STEP = struct.Struct("<HHIIIIIIbbH")


def version1(model: Model) -> bytes:
    """Return a model as a pack of version 1, which has a step for each layer and no activation table."""
    plan_bytes = PLAN.size + STEP.size * len(model.layers)
    layers_at = HEADER.size + TENSOR.size * len(model.tensors)
    plans_at = layers_at + LAYER.size * len(model.layers)
    end, body = plans_at + plan_bytes * len(model.subnets), b""

    def store(data: bytes) -> int:
        nonlocal body
        if not data:
            return 0
        body += bytes(-(end + len(body)) % CANONICAL.alignment) + data
        return end + len(body) - len(data)

    plans, tables = b"", {}
    for index, subnet in enumerate(model.subnets):
        place, rooms = subnet.arena or arena.plan(model, index), model.rooms(index)
        plans += PLAN.pack(subnet.name.encode(), subnet.macs, place.size, subnet.output_scale, 0)
        for i, (layer, step) in enumerate(zip(model.layers, subnet.steps, strict=True)):
            table = CANONICAL.table(layer, step)
            if tables.get(i, (b"", 0))[0] != table:
                tables[i] = table, store(table)
            first, second = (place.tensors[t] for t in (layer.inputs[0], layer.inputs[-1]))
            reads = first, second if len(layer.inputs) > 1 else 0
            at = *reads, place.tensors[layer.output], place.scratch[i], tables[i][1] if table else 0, 0
            zeros = step.zero, rooms[layer.inputs[0]].zero
            plans += STEP.pack(step.units_in, step.units_out, *at, *zeros, 0)
    layers = b""
    for layer in model.layers:
        weights = CANONICAL.weights(layer)
        shape = *layer.kernel, *layer.stride, *layer.padding, store(weights), len(weights)
        inputs = (*layer.inputs, 0)[:2]
        layers += LAYER.pack(layer.kind, layer.relu, len(layer.inputs), 0, *inputs, layer.output, 0, *shape)
    tensors = b"".join(TENSOR.pack(t.height, t.width, t.units, 0) for t in model.tensors)
    counts = len(model.tensors), len(model.layers), len(model.subnets), int(model.standardized)
    places = HEADER.size, layers_at, plans_at, plan_bytes
    fields = *counts, *places, model.input_scale, model.input_zero, model.name.encode()
    return sealed(HEADER.pack(b"REDS", 1, 0, end + len(body), 0, *fields) + tensors + layers + plans + body)


def sealed(data: bytes) -> bytes:
    """Return a pack with the checksum of its bytes."""
    return data[:12] + struct.pack("<I", zlib.crc32(data[16:])) + data[16:]
