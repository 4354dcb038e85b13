"""Recorded traces of real meters; README.md says where each comes from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BEACON_RATE, BEACON_VOLTS = 100_000, 3.3
BEACON_EVENT = slice(400, 711)
"""Samples of the radio event."""
BEACON_MICROJOULES = 28.236
"""Mean energy of such an event by the analysis of those who recorded it."""


def beacon() -> NDArray[np.float32]:
    """Return the current of a Bluetooth beacon in amperes, float32 [1111]."""
    taken: NDArray[np.float32] = np.load(Path(__file__).with_name("ble_beacon.npy"))
    return taken


def beacon_marker() -> NDArray[np.uint8]:
    """Return the level of a marker that is high during the event, uint8 [1111]."""
    high = np.zeros(len(beacon()), np.uint8)
    high[BEACON_EVENT] = 1
    return high
