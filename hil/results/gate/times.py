"""Judge times of a real board against its own history.

The time of a measurement is the middle mean of its samples. Times err to one side: a program that runs beside
the bench slows a whole measurement, and a process that got unlucky memory is slow until it ends. So:

- The level of a board is the center of the densest part of its earlier good runs, and its noise is the width
  of that part. Up to half of the runs may have been disturbed.
- The noise of few runs is a guess, so a history is weighed as if `_PRIOR_RUNS` runs before it had varied by
  `_PRIOR`.
- A time is slower if it exceeds the level by a share, an amount, and several deviations of the noise.
- A suspected regression is measured again, each time by a fresh agent, and only fails if every measurement is
  slower: a true regression slows all of them.

`python -m tests.hil.gate_quality` shows how often this rule errs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hil.results.gate.verdict import Direction, Verdict, relative
from hil.results.statistics.bootstrap import middle_mean_interval
from hil.results.statistics.quantiles import median, middle_mean
from reds.text import percent

SHARE = {"latency": 0.025, "switch": 0.1}
"""Least relative change that counts, by metric."""
AMOUNT_US = {"latency": 0.02, "switch": 0.1}
"""Least change in microseconds that counts, by metric."""
TRIES = 12
"""Measurements of a suspected regression, the first included."""
MOST_RUNS = 20
"""Most earlier runs that a level is computed of."""
_DENSE, _FEWEST = 0.4, 3
"""Share of the runs in the densest part, and the fewest runs that have one."""
_WIDTH = 1.05
"""Width of the densest 0.4 of a normal distribution in standard deviations."""
_DEVIATIONS = 2.5
_PRIOR, _PRIOR_RUNS = 0.01, 3


@dataclass(frozen=True)
class Level:
    """Usual time of a board in microseconds, and the change that counts as none.

    Attributes:
        time: Center of the densest part of the times of earlier good runs.
        margin: Largest change that is no regression, and no improvement either.
        runs: Number of those runs.
    """

    time: float
    margin: float
    runs: int


def level(metric: str, history: Sequence[Sequence[float]]) -> Level:
    """Return the level that a history of good runs sets.

    Args:
        metric: `latency` or `switch`.
        history: Samples in us of each run, at least one.

    Raises:
        ValueError: The history is empty.
    """
    times = sorted(middle_mean(samples) for samples in history)
    n = len(times)
    spread, seen = 0.0, 0
    usual = median(times)
    if n >= _FEWEST:
        size = max(_FEWEST, math.ceil(_DENSE * n))
        start = min(range(n - size + 1), key=lambda i: times[i + size - 1] - times[i])
        dense = times[start : start + size]
        usual, seen = sum(dense) / size, n
        spread = (dense[-1] - dense[0]) / _WIDTH / usual if usual else 0.0
    noise = math.sqrt((_PRIOR_RUNS * _PRIOR**2 + seen * spread**2) / (_PRIOR_RUNS + seen))
    share = max(SHARE[metric], _DEVIATIONS * noise * math.sqrt(1 + 1 / n))
    return Level(usual, max(share * usual, AMOUNT_US[metric]), n)


def is_slower(samples: Sequence[float], usual: Level) -> bool:
    """Return whether a measurement is slower than its level allows, so that it must be taken again."""
    return middle_mean(samples) > usual.time + usual.margin


def judge_time(name: str, tries: Sequence[Sequence[float]], usual: Level) -> Verdict:
    """Judge the measurements of one run by the fastest.

    Args:
        name: What texts call the time.
        tries: Samples in us of each measurement of this run, one unless the first was slower.
        usual: Level of the board.
    """
    fastest = min(tries, key=middle_mean)
    now = middle_mean(fastest)
    change = Direction((now > usual.time + usual.margin) - (now < usual.time - usual.margin))
    again = f", in each of {len(tries)} measurements" if len(tries) > 1 else ""
    margin = percent(usual.margin / usual.time) if usual.time else "nothing"
    runs = f"margin by {usual.runs} earlier run{'s' * (usual.runs > 1)}"
    moved = f"{relative(now, usual.time)}{_sure(fastest, usual)}; {runs}: {margin}{again}"
    return Verdict(name, change, f"{name} {now:,.4g} us, was {usual.time:,.4g} ({moved})")


def _sure(samples: Sequence[float], usual: Level) -> str:
    """Return the interval of a change that the samples of this run leave, empty if there is none."""
    if not usual.time:
        return ""
    low, high = (relative(bound, usual.time) for bound in middle_mean_interval(samples))
    return f", 95 %: {low} to {high}" if low != high else ""
