"""Find the best choices of one who knows the whole trace, exactly.

The choice for each job is a subnet or to wait. A plan's worth is the sum of the values of its answers in
time, a value being the labeled examples that the subnet answers rightly. Plans that reach the same job are
compared by worth, stored energy and whether the device is on. One that is not better than another in any of
these can be dropped: more energy is never worse (`model.py`). What is left is exact, without a grid of
energies.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hil.replay.model import IDLE, Draw, Supply


@dataclass(frozen=True)
class Option:
    """A choice for a job: what the inference draws, and the value of its answer."""

    draw: Draw
    value: int


@dataclass(frozen=True)
class _Plans:
    """Plans that reach a job: worth int64 [N], stored energy int64 [N], and being on, bool [N]."""

    worth: NDArray[np.int64]
    stored: NDArray[np.int64]
    on: NDArray[np.bool_]

    def taken(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "_Plans":
        return _Plans(self.worth[rows], self.stored[rows], self.on[rows])


def optimum(supply: Supply, options: Sequence[Sequence[Option]], stored: int) -> int:
    """Return the largest worth of all plans.

    Args:
        supply: The supply of the device.
        options: For each job the choices whose answer is in time; to wait is always one more.
        stored: Energy at the arrival of the first job; the device is on.
    """
    first = _Plans(np.zeros(1, np.int64), np.array([stored], np.int64), np.ones(1, np.bool_))
    waiting = defaultdict[int, list[_Plans]](list, {0: [first]})
    best = 0
    for job in range(supply.jobs):
        plans = _best(waiting.pop(job, []))
        if plans is None:
            continue
        best = max(best, int(plans.worth.max()))
        idle = supply.after(job, plans.stored, plans.on, IDLE)
        waiting[idle.job].append(_Plans(plans.worth, idle.stored, idle.on))
        able = plans.taken(plans.on)
        for option in options[job] if len(able.worth) else ():
            after = supply.after(job, able.stored, able.on, option.draw)
            right = _Plans(able.worth + option.value, after.stored, after.on).taken(after.answered)
            waiting[after.job].append(right)
    return max(
        [best, *(int(plans.worth.max()) for last in waiting.values() for plans in last if len(plans.worth))]
    )


def _best(parts: Sequence[_Plans]) -> _Plans | None:
    """Return the plans that no other one matches in worth, energy and being on; None if there are none."""
    fields = [
        np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0, np.int64)])
        for name in ("worth", "stored", "on")
    ]
    plans = _Plans(fields[0], fields[1], fields[2].astype(np.bool_))
    if not len(plans.worth):
        return None
    on = _front(plans.taken(plans.on))
    off = plans.taken(~plans.on)
    both = _Plans(*(np.concatenate([getattr(on, n), getattr(off, n)]) for n in ("worth", "stored", "on")))
    mixed = _front(both)
    lost = mixed.taken(~mixed.on)
    return _Plans(*(np.concatenate([getattr(on, n), getattr(lost, n)]) for n in ("worth", "stored", "on")))


def _front(plans: _Plans) -> _Plans:
    """Return the plans of which no other has as much worth and more energy; one that is on wins a tie."""
    if len(plans.worth) < 2:
        return plans
    order = np.lexsort((~plans.on, -plans.stored, -plans.worth))
    stored = plans.stored[order]
    before = np.maximum.accumulate(stored)[:-1]
    return plans.taken(order[np.concatenate([[True], stored[1:] > before])])
