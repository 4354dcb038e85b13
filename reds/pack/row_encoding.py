"""Encode a row of a table in one 32-bit word: a 16-bit bias and a 16-bit multiplier, with shared shifts.

Every subnet has tables of its own, and in a small convolutional network they are most of the flash that
nesting costs. So biases and multipliers are chosen such that 16 bits and one shift for the whole table hold
them exactly, and `reds.pack.validate` checks this. A device may then store a table in half of the bytes.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INT16_LIMIT = 32_767
"""Encoded values lie in [-INT16_LIMIT, INT16_LIMIT]."""
BIAS_SHIFTS = range(15)
FAST_BIAS_SHIFTS = range(9)
"""With these 256 * bias fits int32, which the fast kernels of layout radix256 need."""
MULTIPLIER_SHIFTS = range(8, 16)
"""At least 8, because multipliers are multiples of 256. At most 15, so that a kernel may round in 33 bits."""
LARGEST_MULTIPLIER = INT16_LIMIT << MULTIPLIER_SHIFTS[-1]
INPUT_SPREAD = 73.0
"""Standard deviation of an int8 value that is uniformly distributed: the guess for an unknown input."""


class RowEncodingError(ValueError):
    """Values that no shift makes fit 16 bits."""


def encode(values: NDArray[np.int32], shifts: range) -> tuple[NDArray[np.int16], int]:
    """Return 16-bit values and the smallest shift with `encoded << shift == values`.

    Args:
        values: int32 [rows].
        shifts: Shifts to choose from, ascending.

    Raises:
        RowEncodingError: No shift encodes all values exactly.
    """
    wide = values.astype(np.int64)
    largest, bits = int(np.abs(wide).max(initial=0)), int(np.bitwise_or.reduce(wide, initial=0))
    for shift in shifts:
        if bits % (1 << shift) == 0 and largest >> shift <= INT16_LIMIT:
            return (wide >> shift).astype(np.int16), shift
    raise RowEncodingError(
        f"values up to {largest} are not 16-bit numbers times one power of two"
        f" from 2^{shifts[0]} to 2^{shifts[-1]}"
    )


def nearest_encodable(values: Floats, shifts: range) -> NDArray[np.int32]:
    """Return the nearest int32 values that `encode` accepts.

    Raises:
        RowEncodingError: A value is too large for the last shift.
    """
    for shift in shifts:
        encoded = np.rint(values / 2**shift)
        if _fits_int16(encoded):
            return np.asarray(encoded * 2**shift, np.int32)
    raise RowEncodingError(
        f"a value of {np.abs(values).max():g} is too large: the limit is {INT16_LIMIT << shifts[-1]:,}"
    )


def fit_table(
    exact: Floats, constant: Floats, zeros: Floats, weights: NDArray[np.int8]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the encodable biases and multipliers nearest to a layer's real-valued arithmetic.

    The table approximates `y = (weights @ x - zeros) * exact / 2^32 + constant`, y in steps of the output.

    All biases share one shift. A large shift rounds every bias coarsely. A small shift leaves no room for the
    bias of a unit that batch norm has almost switched off: only a larger multiplier makes it fit, so that the
    unit follows its inputs a little. The shift with the smallest error in the worst row is chosen.

    Args:
        exact: Real-valued multipliers, float64 [rows].
        constant: Outputs at an accumulator of `zeros`, in steps of the output, float64 [rows].
        zeros: Accumulators at inputs of zero, float64 [rows].
        weights: int8 [rows, fan_in].

    Returns:
        Bias and multiplier, int32 [rows] each.

    Raises:
        RowEncodingError: No shift fits.
    """
    spread = INPUT_SPREAD * np.linalg.norm(weights.astype(np.float64), axis=1)
    best: tuple[float, NDArray[np.int32], NDArray[np.int32]] | None = None
    for shift in BIAS_SHIFTS:
        room = INT16_LIMIT * 2.0**shift - np.abs(zeros) - 2.0**shift
        if (best and shift not in FAST_BIAS_SHIFTS) or room.min() <= 0:
            continue
        multiplier = _multipliers(exact, np.abs(constant) * 2**32 / room)
        if multiplier is None:
            continue
        bias = np.rint((constant * 2**32 / multiplier - zeros) / 2**shift) * 2**shift
        error = np.abs(multiplier - exact) * spread + np.abs(multiplier) * 2.0 ** (shift - 1)
        if best is None or error.max() < best[0]:
            best = float(error.max()), np.asarray(bias, np.int32), multiplier
    if best is None:
        sizes = (np.abs(values).max() for values in (exact, constant, zeros))
        raise RowEncodingError(
            "no shift fits a multiplier of {:g}, a constant of {:g} steps and a bias of {:g}".format(*sizes)
        )
    return best[1:]


def _multipliers(exact: Floats, least: Floats) -> NDArray[np.int32] | None:
    """Return the nonzero multipliers nearest to `exact`, in magnitude at least `least`, or None."""
    magnitude = np.maximum(np.abs(exact), least)
    for shift in MULTIPLIER_SHIFTS:
        encoded = np.maximum(np.maximum(np.rint(magnitude / 2**shift), np.ceil(least / 2**shift)), 1)
        if _fits_int16(encoded):
            return np.asarray(np.where(exact < 0, -encoded, encoded) * 2**shift, np.int32)
    return None


def _fits_int16(values: NDArray[np.number]) -> bool:
    return bool(np.all(np.abs(values) <= INT16_LIMIT))
