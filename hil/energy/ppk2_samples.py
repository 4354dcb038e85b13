"""Turn the words of a PPK2, Nordic's Power Profiler Kit II, into currents; refuse impossible ones.

It sends 100,000 words a second, little-endian: bits 0-13 the converter's value, 14-16 the range of the shunt,
18-23 a counter that rises by one, 24-31 its logic inputs. Its metadata holds the calibration of each range.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hil.energy.marks import marked
from hil.energy.meter import Window
from hil.errors import MeterError

RATE = 100_000
"""Samples a second."""
WORD = np.dtype("<u4")
_RANGES = 5
_VOLTS_PER_STEP = 1.8 / 163_840
_DEFAULTS = {"r": math.nan, "gs": 1.0, "gi": 1.0, "o": 0.0, "s": 0.0, "i": 0.0, "ug": 1.0}
"""Values that old devices leave out; resistances are never left out."""
_SETTLING = 3
"""Samples after a change of the range that do not count, as the amplifier settles."""
_LEAST_AMPERES, _MOST_AMPERES = -0.001, 1.2
"""A PPK2 measures up to 1 A."""
_SLACK_SECONDS = 0.02
"""Time that a start or a stop may take to reach the meter."""


@dataclass(frozen=True)
class Calibration:
    """Coefficients of one PPK2, each float64 [5], one for each range."""

    of: Mapping[str, NDArray[np.float64]]


def calibration(text: str) -> Calibration:
    """Read the metadata of a PPK2, lines as `R0: 1003.35`. Raises `MeterError` if a resistance is missing."""
    said: dict[str, float] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        try:
            said[key.strip().lower()] = float(value)
        except ValueError:
            continue
    found = {}
    for name, default in _DEFAULTS.items():
        values = np.array([said.get(f"{name}{each}", default) for each in range(_RANGES)], np.float64)
        if not np.isfinite(values).all() or (name == "r" and values.min() <= 0):
            lacks = f"its metadata has no usable {name.upper()}0 to {name.upper()}{_RANGES - 1}"
            raise MeterError(f"{lacks}; calibrate it with nRF Connect, or name the port of a PPK2")
        found[name] = values
    return Calibration(found)


def window(
    words: NDArray[np.uint32],
    seconds: tuple[float, float],
    calibrated: Calibration,
    millivolts: int,
    marker: int | None,
) -> Window:
    """Return the length, the energy and the marks of a capture.

    Args:
        words: Words of the meter, uint32 [n].
        seconds: Least and most seconds that this machine's clock allows the capture.
        calibrated: Calibration of the meter.
        millivolts: Voltage of the supply.
        marker: Logic input of the marker, None without one.

    Raises:
        MeterError: Samples are missing, or impossible.
    """
    check(words, seconds)
    amperes = currents(words, calibrated, millivolts)
    joules = amperes * (millivolts / 1000 / RATE)
    marks = () if marker is None else marked(joules, (words >> (24 + marker)) & 1 == 1)
    return Window(len(words) / RATE, float(joules.sum()), marks)


def check(words: NDArray[np.uint32], seconds: tuple[float, float]) -> None:
    """Raise `MeterError` unless the words are complete: as many as the time asks for, none lost."""
    least, most = (seconds[0] - _SLACK_SECONDS) * RATE, (seconds[1] + _SLACK_SECONDS) * RATE
    n, remedy = len(words), "plug it straight into this machine, give that less to do, and run again"
    if not n or not least <= n <= most:
        lasted = f"it sent {n:,} samples in {seconds[0]:.2f} s, not {RATE:,} a second"
        raise MeterError(f"{lasted}; {remedy}")
    steps = np.diff((words >> 18) & 0x3F) & 0x3F
    if lost := int(np.count_nonzero(steps != 1)):
        raise MeterError(f"its counter jumped {lost:,} times in {n:,} samples, so some are lost; {remedy}")
    if (odd := int(((words >> 14) & 7).max())) >= _RANGES:
        raise MeterError(f"a sample has range {odd}, and it has {_RANGES} ranges, from 0; {remedy}")


def currents(words: NDArray[np.uint32], calibrated: Calibration, millivolts: int) -> NDArray[np.float64]:
    """Return the current of each sample in amperes, float64 [n].

    Samples right after a change of the range are interpolated between their neighbors.

    Args:
        words: Words of the meter, uint32 [n].
        calibrated: Calibration of the meter.
        millivolts: Voltage of the supply.

    Raises:
        MeterError: A current is outside of what a PPK2 measures, or the range never rests.
    """
    ranges = (words >> 14) & 7
    c = {name: values[ranges] for name, values in calibrated.of.items()}
    plain = ((words & 0x3FFF) * 4.0 - c["o"]) * (_VOLTS_PER_STEP / c["r"])
    amperes: NDArray[np.float64] = c["ug"] * (
        plain * (c["gs"] * plain + c["gi"]) + c["s"] * (millivolts / 1000) + c["i"]
    )
    changes = np.flatnonzero(np.diff(ranges)) + 1
    settled = np.ones(len(words), bool)
    for after in range(_SETTLING):
        settled[np.minimum(changes + after, len(words) - 1)] = False
    if not settled.any():
        raise MeterError("its range changes at every sample; check the wires of the supply")
    held = np.flatnonzero(settled)
    amperes = np.interp(np.arange(len(words)), held, amperes[held])
    low, high = float(amperes.min()), float(amperes.max())
    if low < _LEAST_AMPERES or high > _MOST_AMPERES:
        told = f"it reports {low * 1000:,.3f} to {high * 1000:,.3f} mA"
        span = f"{_LEAST_AMPERES * 1000:g} to {_MOST_AMPERES * 1000:,g} mA are possible"
        raise MeterError(f"{told}, but {span}; check its wires and its calibration")
    return amperes
