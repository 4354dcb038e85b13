"""A row of a table in one word: a bias and a multiplier of 16 bits each, shifted by what their step says.

Every subnet has tables of its own, and in a small convolutional net they are most of what nesting costs in
flash. So the model keeps them to what a device can store in half of the bytes; `rules` holds it to that.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF = 32_767
"""The halves lie in [-HALF, HALF]."""
BIAS_SHIFTS = range(15)
FAST_BIAS_SHIFTS = range(9)
"""With these 256 * bias fits int32 (layout radix256)."""
MULTIPLIER_SHIFTS = range(8, 16)
"""From 8: multipliers are multiples of 256. Up to 15: a kernel may round in the last of 33 bits."""
LARGEST_MULTIPLIER = HALF << MULTIPLIER_SHIFTS[-1]
INPUT_SPREAD = 73.0
"""Standard deviation of an int8 of which nothing is known."""


class NarrowError(ValueError):
    """No shift holds these values."""


def halves(values: NDArray[np.int32], shifts: range) -> tuple[NDArray[np.int16], int]:
    """int32 values as int16 ones and the least of `shifts` that makes them of these.

    Raises `NarrowError` if there is none.
    """
    for shift in shifts:
        half = values.astype(np.int64) >> shift
        if np.array_equal(half << shift, values) and _fits(half):
            return half.astype(np.int16), shift
    raise NarrowError(f"not 16 bits times one of 2^{shifts[0]} to 2^{shifts[-1]}")


def nearest(values: Floats, shifts: range) -> NDArray[np.int32]:
    """The nearest values that `halves` takes. Raises `NarrowError` if they leave the last shift's range."""
    for shift in shifts:
        half = np.rint(values / 2**shift)
        if _fits(half):
            return np.asarray(half * 2**shift, np.int32)
    raise NarrowError(f"a value of {np.abs(values).max():g} or more")


def table(
    exact: Floats, constant: Floats, zeros: Floats, weights: NDArray[np.int8]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Bias and multiplier int32 [rows] nearest to `y = (weights @ x - zeros) * exact / 2^32 + constant`.

    `exact`, `constant` and `zeros` are float64 [rows], `weights` int8 [rows, fan_in]; y counts steps of the
    output. Of the shifts for biases the one is taken under which the worst row errs least: a large one rounds
    all biases, a small one makes a unit that its norm has all but switched off follow its inputs a little,
    since its bias fits only with a larger multiplier. Raises `NarrowError` if there is none.
    """
    spread = INPUT_SPREAD * np.linalg.norm(weights.astype(np.float64), axis=1)
    best: tuple[float, NDArray[np.int32], NDArray[np.int32]] | None = None
    for shift in BIAS_SHIFTS:
        room = HALF * 2.0**shift - np.abs(zeros) - 2.0**shift
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
        raise NarrowError("a multiplier of {:g}, a constant of {:g} steps, a bias of {:g}".format(*sizes))
    return best[1:]


def _multipliers(exact: Floats, least: Floats) -> NDArray[np.int32] | None:
    """The multipliers nearest to `exact` that are not 0, in size not under `least`; None if none fit."""
    size = np.maximum(np.abs(exact), least)
    for shift in MULTIPLIER_SHIFTS:
        half = np.maximum(np.maximum(np.rint(size / 2**shift), np.ceil(least / 2**shift)), 1)
        if _fits(half):
            return np.asarray(np.where(exact < 0, -half, half) * 2**shift, np.int32)
    return None


def _fits(half: NDArray[np.number]) -> bool:
    return bool(np.all(np.abs(half) <= HALF))
