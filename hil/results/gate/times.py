"""Judge times of a real board against its own history.

The center of a run is the mean of the middle half of its samples. A median jumps where samples have two
modes, and a mean follows outliers; this does neither. The level is the median of the centers of earlier
good runs. A time is beyond the limit if it exceeds the level by a share, and by an amount, and by several
deviations of those centers.

Deviations of few runs are guesses, so the history is weighed as if `_PRIOR_RUNS` runs had varied by
`_PRIOR`. A program that runs beside the bench slows a whole measurement. So a suspected regression is
measured again, after pauses, and only fails if every measurement is beyond the limit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hil.results.gate.verdict import Change, Verdict, percent
from hil.results.statistics.quantiles import median
from hil.results.statistics.ratio import ratio_interval

SHARE = {"latency": 0.02, "switch": 0.1}
"""Least relative change that counts, by metric."""
AMOUNT_US = {"latency": 0.02, "switch": 0.1}
"""Least change in microseconds that counts, by metric."""
PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further measurement of a suspected regression."""
MOST_RUNS = 20
"""Most earlier runs that a history holds."""
_DEVIATIONS = 4.0
_PRIOR, _PRIOR_RUNS = 0.01, 3
"""Relative deviation of a board whose history is empty, and how many runs this guess weighs."""


@dataclass(frozen=True)
class Limit:
    """What a time is compared with, in microseconds.

    Attributes:
        level: What the board usually takes.
        highest: Largest time that is no regression.
        lowest: Smallest time that is no improvement.
        runs: Number of earlier runs.
    """

    level: float
    highest: float
    lowest: float
    runs: int


def center(samples: Sequence[float]) -> float:
    """Return the mean of the middle half of the samples. Raises `ValueError` without samples."""
    if not samples:
        raise ValueError("no samples")
    ranked, cut = sorted(samples), len(samples) // 4
    return float(np.mean(ranked[cut : len(ranked) - cut]))


def limit(metric: str, history: Sequence[Sequence[float]]) -> Limit:
    """Return the limit of a metric that a history of good runs sets.

    Args:
        metric: `latency` or `switch`.
        history: Samples in us of each earlier run, at least one.

    Raises:
        ValueError: The history is empty.
    """
    centers = [center(samples) for samples in history]
    level, n = median(centers), len(centers)
    spread = 1.4826 * median([abs(c - level) for c in centers]) / level if level else 0.0
    noise = math.sqrt((_PRIOR_RUNS * _PRIOR**2 + n * spread**2) / (_PRIOR_RUNS + n))
    share = max(SHARE[metric], _DEVIATIONS * noise * math.sqrt(1 + 1 / n))
    margin = max(share * level, AMOUNT_US[metric])
    return Limit(level, level + margin, level - margin, n)


def is_beyond(samples: Sequence[float], allowed: Limit) -> bool:
    """Return whether a measurement is slower than the limit allows."""
    return center(samples) > allowed.highest


def judge_time(
    metric: str, tries: Sequence[Sequence[float]], before: Sequence[float], allowed: Limit
) -> Verdict:
    """Judge the measurements of one run. The fastest counts: the others were disturbed, or equal to it.

    Args:
        metric: `latency` or `switch`.
        tries: Samples in us of each measurement of this run.
        before: Samples of the baseline.
        allowed: What the history allows.
    """
    fastest = min(tries, key=center)
    now = center(fastest)
    change = Change((now > allowed.highest) - (now < allowed.lowest))
    moved = f"{metric} {now:,.4g} us, was {allowed.level:,.4g} ({percent(now, allowed.level)}"
    low, high = (f"{ratio - 1:+.1%}"[:-1] for ratio in _bounds(fastest, before))
    sure = f", 95 %: {low} to {high} %" if low != high else ""
    noise = percent(allowed.highest if change is Change.WORSE else allowed.lowest, allowed.level)
    runs = f"{allowed.runs} earlier run{'s' * (allowed.runs > 1)}"
    again = f", in each of {len(tries)} measurements" if len(tries) > 1 else ""
    return Verdict(metric, change, f"{moved}{sure}; {noise} is noise of {runs}){again}")


def _bounds(now: Sequence[float], before: Sequence[float]) -> tuple[float, float]:
    """Return bounds of the ratio of two times; the same twice where one is 0."""
    return ratio_interval(now, before) if median(now) > 0 < median(before) else (1.0, 1.0)
