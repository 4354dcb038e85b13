"""The structs of a pack, little-endian; `targets/runtime/pack.h` has the same in C, and says more of them."""

import struct

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
CRC_FROM = 16
"""The checksum is of all bytes from here."""
