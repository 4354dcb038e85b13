"""Up to a multiple: what kernels take by fours or sixteens is stored so."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def up(n: int, multiple: int) -> int:
    """The least multiple that is not less than n."""
    return -(-n // multiple) * multiple


def padded(values: NDArray[Number], axis: int, multiple: int) -> NDArray[Number]:
    """Zeros at the end of an axis, up to a multiple."""
    return np.pad(values, [(0, -n % multiple if i == axis else 0) for i, n in enumerate(values.shape)])


def table_bytes(bias: NDArray[np.integer], multiplier: NDArray[np.integer]) -> bytes:
    """A subnet's table in one layer as a pack holds it: int32 little-endian, each half by fours."""
    return b"".join(padded(half, 0, 4).astype("<i4").tobytes() for half in (bias, multiplier))
