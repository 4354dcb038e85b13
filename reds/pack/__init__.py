"""The pack: one `.reds` file with one int8 weight set and all subnets. Needs numpy only.

`model` is the integer network in memory and `validate` its rules. `format` has the structs of the file, which
`writer` and `reader` turn models into and back. `interpreter` runs a model bit for bit as every device does.
`layouts` orders the weights for the kernels of a device.
"""

from reds.pack.reader import load, loads, read_bytes
from reds.pack.writer import Sizes, dumps, save, sizes

__all__ = ["Sizes", "dumps", "load", "loads", "read_bytes", "save", "sizes"]
