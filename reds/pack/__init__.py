"""Read and write packs: one `.reds` file holds one set of int8 weights and all subnets.

This package needs numpy only, so that a bench can read and check a pack without torch.

- `model` holds the integer network in memory, and `validate` checks its rules.
- `format` has the structs of the file, `writer` and `reader` convert between file and model.
- `interpreter` runs a model and gives the same bits as every device.
- `layouts` order weights and tables for the kernels of a device.
"""

from reds.pack.reader import load, loads, read_bytes
from reds.pack.writer import Sizes, dumps, save, sizes

__all__ = ["Sizes", "dumps", "load", "loads", "read_bytes", "save", "sizes"]
