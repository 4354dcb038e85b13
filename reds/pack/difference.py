"""Name the first byte in which a pack differs from what the writer stores for the same network.

A field that the reader does not use could mean something else to a device. So the reader writes the network
again and compares all bytes.
"""

import numpy as np

from reds.pack.format import CRC_FROM, HEADER, LAYER, PLAN, ROOM, STEP, TENSOR


def first_difference(data: bytes, written: bytes) -> str:
    """Return what differs first and where, or nothing if the bytes are the same.

    Args:
        data: A pack whose header is valid.
        written: What the writer stores for its network.
    """
    if len(data) != len(written):
        return f"it has {len(data)} bytes, but its network takes {len(written)}"
    ours, theirs = (np.frombuffer(each, np.uint8, offset=CRC_FROM) for each in (data, written))
    differing = np.flatnonzero(ours != theirs)
    if not differing.size:
        return ""
    i = int(differing[0])
    place = _section(data, CRC_FROM + i)
    return f"byte {CRC_FROM + i}, in {place}, is {ours[i]}, but its network needs {theirs[i]} there"


def _section(data: bytes, at: int) -> str:
    """Name the section that holds a byte."""
    header = HEADER.unpack_from(data)
    subnets = header[6]
    tensors_at, layers_at, plans_at, tables_at = header[8:12]
    rooms_at = plans_at + subnets * PLAN.size
    if at < tensors_at:
        return "the header"
    if at < layers_at:
        return f"tensor {(at - tensors_at) // TENSOR.size}"
    if at < plans_at:
        return f"layer {(at - layers_at) // LAYER.size}"
    if at < rooms_at:
        return f"the plan of subnet {(at - plans_at) // PLAN.size}"
    if at >= tables_at:
        return "the tables and weights"
    plans = [PLAN.unpack_from(data, plans_at + i * PLAN.size) for i in range(subnets)]
    subnet, (rooms_at, steps_at) = [(i, plan[4:6]) for i, plan in enumerate(plans) if plan[4] <= at][-1]
    if at < steps_at:
        return f"subnet {subnet}, the room of tensor {(at - rooms_at) // ROOM.size}"
    return f"subnet {subnet}, step {(at - steps_at) // STEP.size}"
