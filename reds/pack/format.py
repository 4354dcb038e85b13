"""Define the structs of a pack, little-endian; `targets/runtime/pack.h` has the same in C."""

import struct

MAGIC = b"REDS"
VERSION = 2
HEADER = struct.Struct("<4sIIIHHHHIIIIfi32s")
"""Magic, version, size, CRC-32, number of tensors, of layers, of subnets, flags, offset of the tensors, of
the layers, of the plans, of the end of the steps, input scale, input zero point, name."""
STANDARDIZED = 1
"""Flag of a pack whose features are standardized before they are stored."""
TENSOR = struct.Struct("<HHHH")
"""Height, width, units, 0."""
LAYER = struct.Struct("<4B4H10BHII")
"""Kind, ReLU (0 or 1), number of inputs, layout, four input tensors, kernel (height, width), stride (height,
width), padding (top, left, bottom, right), dilation (height, width), groups, offset of the weights, bytes of
the weights."""
UNDIVIDED = (1, 1, 1)
"""Dilation and groups of a layer that has none."""
PLAN = struct.Struct("<8sIIfIII")
"""Name of the subnet, MACs, arena bytes, output scale, offset of the rooms, of the steps, number of steps."""
ROOM = struct.Struct("<IHHb3x")
"""Arena offset, units, tensor that it holds, zero point, and three bytes of 0."""
STEP = struct.Struct("<HbxIIII")
"""Layer, zero point of what the kernel writes, a byte of 0, arena offset of the scratch, offset of the table,
of the plain rows (0: none), of the activation table (0: none)."""
CRC_FROM = 16
"""The CRC-32 covers all bytes from this offset to the end."""
ACTIVATION_ALIGNMENT = 4
"""Activation tables begin at multiples of this, whatever the layout."""
