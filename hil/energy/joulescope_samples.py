"""Turn the blocks of a Joulescope into energy; refuse incomplete and impossible ones.

A block names its first sample by the instrument's count at its full rate, and holds every so many-th sample.
A JS220 leaves out the blocks that USB lost, so that the count jumps. A driver marks a sample that it knows to
be missing by NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hil.energy.marks import marked
from hil.energy.meter import Window
from hil.errors import MeterError

LATE_SECONDS = 0.05
"""Time that a block may take to arrive, as it holds a twentieth of a second."""
_LEAST_WATTS, _MOST_WATTS = -0.1, 150.0
"""Power of a sample: noise around zero, and 10 A at 15 V."""
_REMEDY = "plug it straight into this machine, give that less to do, and run again"


@dataclass(frozen=True)
class Block:
    """Samples of one signal that arrived together.

    Attributes:
        first: Count of the first sample at the full rate.
        step: Counts from one sample to the next.
        rate: Counts in a second.
        values: The samples, [n].
        arrived: Time of arrival by this machine's clock, in seconds.
    """

    first: int
    step: int
    rate: int
    values: NDArray[np.float32] | NDArray[np.uint8]
    arrived: float

    @property
    def seconds(self) -> float:
        """Return the length."""
        return len(self.values) * self.step / self.rate

    @property
    def end(self) -> int:
        """Return the count after the last sample."""
        return self.first + len(self.values) * self.step


def window(power: Sequence[Block], marker: Sequence[Block] | None, began: float) -> Window:
    """Return the length, the energy and the marks of a capture.

    Args:
        power: Blocks of the power in watts, at least one.
        marker: Blocks of the logic input of the marker, None without one.
        began: Time at which the samples were asked for, by this machine's clock.

    Raises:
        MeterError: Samples are missing, or impossible.
    """
    watts = _samples(power, began).astype(np.float64)
    if lost := int(np.count_nonzero(np.isnan(watts))):
        raise MeterError(f"{lost:,} of its {len(watts):,} samples are missing; {_REMEDY}")
    low, high, mean = float(watts.min()), float(watts.max()), float(watts.mean())
    if low < _LEAST_WATTS or high > _MOST_WATTS:
        span = f"{_LEAST_WATTS:g} to {_MOST_WATTS:g} W are possible"
        raise MeterError(f"it reports {low:,.3g} to {high:,.3g} W, but {span}; check its wires")
    if not mean > 0:
        raise MeterError(f"it reports {mean * 1000:.3g} mW on average, not more than 0; swap its IN and OUT")
    first = power[0]
    joules = watts * (first.step / first.rate)
    marks = () if marker is None else marked(joules, _high(first, len(watts), marker, began))
    return Window(len(watts) * first.step / first.rate, float(joules.sum()), marks)


def _samples(blocks: Sequence[Block], began: float) -> NDArray[np.float32] | NDArray[np.uint8]:
    """Return the samples of all blocks, [n]. Raises `MeterError` unless they are complete."""
    jumps = sum(block.first != before.end for before, block in pairwise(blocks))
    if jumps:
        raise MeterError(
            f"its count jumped {jumps:,} times in {len(blocks):,} blocks, so some are lost; {_REMEDY}"
        )
    first = blocks[0]
    taken, every = np.cumsum([block.seconds for block in blocks]), blocks[-1].arrived - began
    behind = [block.arrived - first.arrived for block in blocks] - (taken - first.seconds)
    # Of the later half: a busy machine takes some blocks late, but lost samples lack in all that follow.
    if behind[len(blocks) // 2 :].min() > LATE_SECONDS or taken[-1] > every + LATE_SECONDS:
        rate = first.rate // first.step
        sent = f"it sent {round(taken[-1] * rate):,} samples in {every:.2f} s, not {rate:,} a second"
        raise MeterError(f"{sent}; {_REMEDY}")
    return np.concatenate([block.values for block in blocks])


def _high(power: Block, n: int, marker: Sequence[Block], began: float) -> NDArray[np.bool_]:
    """Return whether the marker is high at each of n samples of the power, bool [n]."""
    levels, first = _samples(marker, began), marker[0]
    at = (power.first + np.arange(n, dtype=np.int64) * power.step - first.first) // first.step
    high: NDArray[np.bool_] = levels[np.clip(at, 0, len(levels) - 1)] == 1
    return high & (at >= 0) & (at < len(levels))
