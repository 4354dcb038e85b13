"""The supply of a device: harvester, capacitor, brown-out. Whole numbers only, so that it repeats exactly.

Time is cut into periods; a job arrives at the start of each. Energies are in picojoules, powers in microwatts
and times in microseconds, so energy = power x time without a factor. Within a period the income is even. With
stored energy s above the brown-out voltage, income i, standby p and an inference of u microseconds and e
picojoules, one period makes

    s1 = min(full, s + i u / period - p u - e)                at the end of the inference
    s2 = min(full, s1 + i (period - u) / period - p (period - u))     at the end of the period

An s1 or s2 below 0 is a brown-out: all that was there is used, s is 0, and the inference is lost if it was
going on. The device is off from then until a period ends with at least `on_pj`. Standby is drawn whether it
is on or off, as by the supervisor and by leakage: so more energy is never worse, which `optimum.py` relies
on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_PJ = 1 << 60
"""Most energy of a capacitor or of a period, 1.15 MJ: sums of two fit 63 bits."""

Energies = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Draw:
    """Cost of an inference: `us` microseconds of the device's time, `pj` picojoules beyond standby."""

    us: int
    pj: int


IDLE = Draw(0, 0)
"""No inference."""


@dataclass(frozen=True)
class After:
    """Outcome of a choice, for each of several stores.

    Attributes:
        job: The next job that finds the device without an inference.
        stored: Energy at its arrival, int64 [N].
        on: Whether the device is on at its arrival, bool [N].
        answered: Whether the inference came to its end, bool [N].
        browned: Whether the device browned out, bool [N].
        used: Energy drawn from the store, int64 [N].
        spilled: Income that the full store could not take, int64 [N].
    """

    job: int
    stored: Energies
    on: Flags
    answered: Flags
    browned: Flags
    used: Energies
    spilled: Energies


@dataclass(frozen=True)
class _Part:
    """A part of a period: its microseconds, its income, what an inference draws, whether one runs."""

    us: int
    income: int
    pj: int
    computing: bool


@dataclass(frozen=True)
class Supply:
    """The supply of a device over a trace.

    Attributes:
        period_us: From one job to the next.
        income: What the harvester delivers in each period, after its losses.
        full_pj: Energy of the full capacitor above the brown-out voltage.
        on_pj: Energy at which a device that browned out is on again.
        standby_uw: Power that is always drawn.
        mains: Whether the device is on the mains: then nothing above counts.
    """

    period_us: int
    income: tuple[int, ...]
    full_pj: int
    on_pj: int
    standby_uw: int
    mains: bool = False

    @property
    def jobs(self) -> int:
        """Return the number of jobs."""
        return len(self.income)

    def after(self, job: int, stored: Energies, on: Flags, draw: Draw) -> After:
        """Return what it leads to if an inference begins at the arrival of a job.

        Args:
            job: The job.
            stored: Energies at its arrival, int64 [N].
            on: Whether the device is on, bool [N]; those that are off run nothing.
            draw: The inference; `IDLE` for none.
        """
        if self.mains:
            return self._on_the_mains(job, stored, on, draw)
        alive, answered = on, on
        used, spilled = np.zeros_like(stored), np.zeros_like(stored)
        for part in self._parts(job, draw):
            gained = part.income - self.standby_uw * part.us
            level = stored + gained - np.where(alive, part.pj, 0)
            over, empty = np.maximum(level - self.full_pj, 0), level < 0
            after = np.clip(level, 0, self.full_pj)
            used, spilled = used + stored + part.income - after - over, spilled + over
            stored, alive = after, alive & ~empty
            answered = answered & ~empty if part.computing else answered
        last = job + max(1, -(-draw.us // self.period_us))
        return After(last, stored, alive | (stored >= self.on_pj), answered, on & ~alive, used, spilled)

    def _parts(self, job: int, draw: Draw) -> Iterator["_Part"]:
        """Yield the time from the arrival of a job to the next that finds the device without an inference."""
        left = draw
        while True:
            income = self.income[job] if job < self.jobs else 0
            us = min(left.us, self.period_us)
            pj = left.pj if us == left.us else draw.pj * us // draw.us
            early = income * us // self.period_us
            yield _Part(us, early, pj, computing=True)
            yield _Part(self.period_us - us, income - early, 0, computing=False)
            left, job = Draw(left.us - us, left.pj - pj), job + 1
            if left.us == 0:
                return

    def _on_the_mains(self, job: int, stored: Energies, on: Flags, draw: Draw) -> After:
        at = job + max(1, -(-draw.us // self.period_us))
        nothing, never = np.zeros_like(stored), np.zeros_like(on)
        return After(at, stored, on, on, never, nothing + draw.pj, nothing)
