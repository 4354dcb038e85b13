"""Read the arrays of an .npz file that others wrote: sizes are checked first, and nothing is unpickled."""

import ast
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.errors import DataError
from reds.reading import check_regular, reason

_MAGIC = b"\x93NUMPY"
_KINDS = "biufUS"
"""Kinds of arrays that hold plain values: truth values, numbers and texts."""
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADER = 10_000
"""Most bytes of an array's header."""


def read_arrays(path: Path, most: int | None = None) -> dict[str, NDArray[Any]]:
    """Return all arrays of an .npz file, by name.

    Args:
        path: The file.
        most: Most bytes that all arrays may take; by default the memory of this machine.

    Raises:
        DataError: The file is missing, damaged, or larger than `most`, or an array holds objects.
    """
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if most is None else most
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if (total := sum(member.file_size for member in members)) > limit:
                raise ValueError(f"its arrays take {total:,} bytes, at most {limit:,} can be read")
            if any(member.compress_type not in _COMPRESSIONS for member in members):
                raise ValueError("it is compressed in a way that numpy does not write")
            names = [member.filename.removesuffix(".npy") for member in members]
            if len(set(names)) < len(names):
                raise ValueError("two of its arrays have one name")
            return {name: _read(archive, each) for name, each in zip(names, members, strict=True)}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason(error)}; name an .npz file") from error
    except Exception as error:  # damaged bytes raise errors of zipfile, zlib, struct and others
        raise DataError(f"{path}: cannot be read: {reason(error)}; write it with numpy.savez") from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Return the array in a member. Never unpack more bytes than the member claims to hold."""
    with archive.open(member) as file:
        return _array(file.read(member.file_size + 1))


def _array(data: bytes) -> NDArray[Any]:
    """Return the array in the bytes of an .npy file. Raises `ValueError` or what parts of it raise."""
    major, start = data[6:7], 10 if data[6:7] == b"\x01" else 12
    if data[:6] != _MAGIC or major not in (b"\x01", b"\x02", b"\x03"):
        raise ValueError("it holds something other than arrays")
    end = start + int.from_bytes(data[8:start], "little")
    if end - start > _HEADER:
        raise ValueError("an array has a damaged header")
    header = ast.literal_eval(data[start:end].decode("utf-8" if major == b"\x03" else "latin1").strip())
    shape, dtype = header["shape"], np.dtype(header["descr"])
    if dtype.kind not in _KINDS or dtype.shape:
        raise ValueError(f"an array holds {dtype}: numbers or texts are needed")
    if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("an array has a damaged shape")
    count = math.prod(shape)
    if count * dtype.itemsize != len(data) - end:
        raise ValueError(f"an array of shape {list(shape)} has {len(data) - end} bytes")
    flat = np.frombuffer(data, dtype, count, end).copy() if count else np.zeros(0, dtype)
    return flat.reshape(shape, order="F" if header["fortran_order"] else "C")
