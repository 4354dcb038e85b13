"""Choose how a user's features are stored as int8, so that none is lost and training starts at a sane scale.

One scale and one zero point store all features of a net. Features that lie far from 0, have unlike units, or
are all very small or large, are therefore standardized first: z = (x - mean) / deviation, unit by unit.
Padding writes z = 0, so a unit is only shifted by its mean if 0 lies outside most of its values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.images import to_int8
from reds.errors import DataError
from reds.pack.scale import UNCHANGED, Standardization, range_scale

PERCENTILES = (0.01, 99.99)
"""Ends of the range of values that the 254 steps span."""
CENTRAL = (2.5, 97.5)
"""Ends of most values."""
BULKS = ((25, 75), (10, 90), (1, 99))
"""Percentiles between which the bulk of the values lies; the first two that differ count."""
FAR_RANGE, NEAR = 64, 16
"""A range of more than FAR_RANGE bulks holds far values: 254 steps would leave the bulk fewer than 4. Near
values lie within NEAR bulks of the median."""
FAR_SHARE, SENTINELS = 0.1, 2
"""Far values may be clipped if they are at most this share at each position, or so few different numbers."""
REACH = 6.0
"""Most deviations between the mean of a unit and its farthest value that is not clipped."""
SMALLEST_RANGE, LARGEST_RANGE = 0.1, 1000.0
"""Features of a smaller range vanish beside a batch norm's epsilon; those of a larger one slow training."""
UNLIKE = 1 / 8
"""Smallest share of the 254 steps that a varying unit may span without standardization."""
PIXEL_RANGE = 128
"""Bytes of a smaller range are numbers, not pixels."""
VISIBLE = 1e-7
"""Smallest share of the range of a unit at which two of its values count as different."""
MANY, FEW = 8, 3
"""A feature of MANY or more different values is lost if int8 stores FEW or fewer of them."""
SEEN = 1 << 14
"""Most values that are counted of a feature."""

ToInt8 = Callable[[NDArray[Any]], NDArray[np.int8]]


@dataclass(frozen=True)
class Storage:
    """Say how features are stored: q = round(z / scale) + zero."""

    scale: float
    zero: int
    to_int8: ToInt8
    """Store features [N, rows, columns, units] of the data's own type."""
    standardization: Standardization = UNCHANGED
    notes: tuple[str, ...] = ()
    """Sentences about values that are clipped."""


@dataclass(frozen=True)
class _Values:
    """Describe the values of one unit."""

    low: float
    high: float
    """Ends of the values, a few clipped ones apart."""
    mean: float
    deviation: float
    shifted: bool
    """True if 0 lies far from the values."""
    count: int
    """Number of values."""
    far: int
    """Number of those that lie far from the others."""
    farthest: float
    """One of these."""

    @property
    def range(self) -> float:
        return self.high - self.low


def choose_storage(where: str | Path, train_x: NDArray[Any]) -> Storage:
    """Choose how the features of a data set are stored.

    - uint8 values are pixels. Less 128 they are int8, a step means 1/64, and the zero point is their median:
      black for images that are mostly black.
    - Bytes of a small range, or with a feature of only 0 and 1, which pixels would merge, are numbers.
    - Numbers keep their unit, or are standardized where one scale would not do.

    Args:
        where: The file or object that holds the features, for errors.
        train_x: Features of the training part [N, rows, columns, units].

    Raises:
        DataError: No feature varies, or one varies and int8 would store one value of it.
    """
    if train_x.dtype == np.uint8 and not _bytes_are_numbers(train_x):
        return Storage(1 / 64, int(np.median(to_int8(train_x))), to_int8)
    units = [_describe(train_x[..., u].reshape(len(train_x), -1)) for u in range(train_x.shape[-1])]
    values = train_x.astype(np.float32)
    low, high = _ends(values)
    if not any(unit.range for unit in units):
        raise DataError(
            f"{where}: the training part's features lie between {low:g} and {high:g}, which int8 cannot tell"
            " apart, because none of them varies: give features that differ between examples"
        )
    if train_x.dtype != np.uint8 and _one_scale(values, low, high, units):
        scale = range_scale(min(low, 0.0), max(high, 0.0))
        storage = Storage(scale.scale, scale.zero, lambda x: scale.stored(x.astype(np.float32)))
    else:
        storage = _standardized(where, units)
    _check_kept(where, train_x, storage)
    return storage


def _bytes_are_numbers(x: NDArray[np.uint8]) -> bool:
    """Return whether bytes have a small range, or a feature of only 0 and 1."""
    if int(x.max()) - int(x.min()) < PIXEL_RANGE:
        return True
    picture = min(x.shape[1:3]) > 1
    features = x.reshape(-1, x.shape[-1]) if picture else x.reshape(len(x), -1)
    return bool(((features.max(0) == 1) & (features.min(0) == 0)).any())


def _describe(x: NDArray[Any]) -> _Values:
    """Describe the values of a unit [N, positions], the mean and deviation without its far ones."""
    values = x.astype(np.float64)
    low, high = _ends(values)
    quantiles = np.percentile(values, [end for bulk in BULKS for end in bulk]).reshape(-1, 2)
    bulk = next((float(b - a) for a, b in quantiles if b > a), 0.0)
    far_count, farthest = 0, 0.0
    if 0 < FAR_RANGE * bulk < high - low:
        distance = np.abs(values - np.median(values))
        far = distance > NEAR * bulk
        if far.mean(0).max() <= FAR_SHARE or len(np.unique(values[far])) <= SENTINELS:
            far_count, farthest = int(far.sum()), float(values.flat[distance.argmax()])
            values = values[~far]
            low, high = _ends(values)
    clipped = np.clip(values, low, high)
    shifted = _far_from_zero(clipped, low, high)
    return _Values(
        low, high, float(clipped.mean()), float(clipped.std()), shifted, x.size, far_count, farthest
    )


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    """Return the ends of all but a few values; of all values if the others are equal."""
    low, high = (float(end) for end in np.percentile(values, PERCENTILES))
    return (low, high) if low < high else (float(values.min()), float(values.max()))


def _far_from_zero(values: NDArray[Any], low: float, high: float) -> bool:
    """Return whether 0 lies outside most values, and these use less than half of the range with 0."""
    first, last = np.percentile(values, CENTRAL)
    return bool((first > 0 or last < 0) and last - first < _span(low, high) / 2)


def _span(low: float, high: float) -> float:
    """Return the size of a range, extended to 0."""
    return max(high, 0.0) - min(low, 0.0)


def _one_scale(values: NDArray[Any], low: float, high: float, units: Sequence[_Values]) -> bool:
    """Return whether one scale from `low` to `high` stores the values of all units well as they are."""
    return (
        SMALLEST_RANGE <= high - low <= LARGEST_RANGE
        and not any(unit.far or 0 < unit.range < UNLIKE * _span(low, high) for unit in units)
        and not _far_from_zero(values, low, high)
    )


def _standardized(where: str | Path, units: Sequence[_Values]) -> Storage:
    """Return the storage of features with a mean and a deviation for each unit."""
    means, deviations, ends = [], [], [0.0]
    for unit in units:
        mean = unit.mean if unit.shifted or not unit.range else 0.0
        reach = max(abs(unit.low - mean), abs(unit.high - mean))
        deviation = max(unit.deviation, reach / REACH) or 1.0
        means.append(mean)
        deviations.append(deviation)
        ends += [(unit.low - mean) / deviation, (unit.high - mean) / deviation]
    standardization = Standardization(tuple(means), tuple(deviations))
    scale = range_scale(min(ends), max(ends))
    notes = tuple(
        f"{where}: unit {i} of the training part's features holds {unit.far:,} of {unit.count:,} values"
        f" that lie far from the others, as {unit.farthest:g}: they are stored as the nearer end of"
        f" {unit.low:g} to {unit.high:g}; replace them if they stand for nothing"
        for i, unit in enumerate(units)
        if unit.far
    )
    return Storage(
        scale.scale, scale.zero, lambda x: scale.stored(standardization.apply(x)), standardization, notes
    )


def _check_kept(where: str | Path, x: NDArray[Any], storage: Storage) -> None:
    """Raise `DataError` if int8 keeps too little of a unit, or of a row or a column of one."""
    stored = storage.to_int8(x)
    for unit in range(x.shape[-1]):
        values, kept = x[..., unit], stored[..., unit]
        least = VISIBLE * (float(values.max()) - float(values.min()))
        _check_values(f"{where}: unit {unit}", values, kept, least)
        for name, axis in (("row", 1), ("column", 2)):
            for i in range(values.shape[axis] if values.shape[axis] > 1 else 0):
                place = f"{where}: {name} {i}"
                part = (slice(None),) * axis + (i,)
                _check_values(place, values[part], kept[part], least)


def _check_values(place: str, values: NDArray[Any], stored: NDArray[np.int8], least: float) -> None:
    """Check that int8 tells enough values apart.

    Args:
        place: Where these values lie, for errors.
        values: Values of a feature.
        stored: The same values stored.
        least: Smallest difference that counts.

    Raises:
        DataError: Too few of them are left.
    """
    step = max(1, values.size // SEEN)
    seen = values.ravel()[::step].astype(np.float64)
    before = len(np.unique(np.rint(seen / least))) if least else 1
    after = len(np.unique(stored.ravel()[::step]))
    if after < before and (after == 1 or (after <= FEW and before >= MANY)):
        raise DataError(
            f"{place} of the training part's features holds {before:,} different values between"
            f" {seen.min():g} and {seen.max():g}, of which int8 would keep {after}: replace values that stand"
            " for nothing, and give features of unlike magnitude as units, [N, features] or"
            " [N, rows, columns, units], which are scaled one by one"
        )
