"""Ask one end about one file, and mend the checksum of a file that was changed."""

import struct
import zlib

from reds.errors import ModelError
from reds.pack.model import Model
from reds.pack.reader import unpack


def read(data: bytes) -> Model | None:
    """Return the model of a pack, None if the reader refuses it."""
    try:
        return unpack(data)
    except ModelError:
        return None


def seal(data: bytes) -> bytes:
    """Return the bytes with the size and the checksum of a pack of them."""
    sealed = bytearray(data)
    struct.pack_into("<I", sealed, 8, len(sealed))
    struct.pack_into("<I", sealed, 12, zlib.crc32(sealed[16:]))
    return bytes(sealed)
