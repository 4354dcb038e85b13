"""Round sizes up to a multiple: kernels read rows, inputs and tables in fours, eights or sixteens."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def round_up(n: int, multiple: int) -> int:
    """Return the smallest multiple of `multiple` that is at least n."""
    return -(-n // multiple) * multiple


def padded(values: NDArray[Number], axis: int, multiple: int) -> NDArray[Number]:
    """Return the array with zeros appended to one axis.

    Args:
        values: The array.
        axis: The axis that is extended.
        multiple: The length of the axis is rounded up to a multiple of this.
    """
    shape = list(values.shape)
    shape[axis] = -shape[axis] % multiple
    return np.concatenate([values, np.zeros(shape, values.dtype)], axis) if shape[axis] else values


def table_bytes(*parts: NDArray[np.integer]) -> bytes:
    """Return a subnet's table in one layer: biases, then multipliers, each padded to a multiple of four.

    Entries are int32, little-endian.
    """
    return b"".join(padded(part, 0, 4).astype("<i4").tobytes() for part in parts)
