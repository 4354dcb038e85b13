"""Define the structs of a pack, little-endian; `targets/runtime/pack.h` has the same in C."""

import struct

MAGIC = b"REDS"
VERSION = 1
HEADER = struct.Struct("<4sHHIIHHHHIIIIfi32s")
"""Magic, version, layout, size, CRC-32, number of tensors, of layers, of subnets, flags, offset of the
tensors, of the layers, of the plans, bytes of a plan, input scale, input zero point, name."""
STANDARDIZED = 1
"""Flag of a pack whose features are standardized before they are stored."""
TENSOR = struct.Struct("<HHHH")
"""Height, width, units, 0."""
LAYER = struct.Struct("<BBBB3HH8BII")
"""Kind, ReLU (0 or 1), number of inputs, 0, two input tensors, output tensor, 0, kernel (height, width),
stride (height, width), padding (top, left, bottom, right), offset of the weights, bytes of the weights."""
PLAN = struct.Struct("<8sIIfI")
"""Name of the subnet, MACs, arena bytes, output scale, 0. One step for each layer follows."""
STEP = struct.Struct("<HHIIIIIIbbH")
"""Units read, units written, arena offsets of the input, the second input, the output and the scratch, offset
of the table, offset of the plain rows (0: none), zero point of the output, of the input, 0."""
CRC_FROM = 16
"""The CRC-32 covers all bytes from this offset to the end."""
