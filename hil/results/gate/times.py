"""Judge times of a real board against its own history.

The time of a measurement is the mean of the fastest third of its samples. Times err to one side: a program
that runs beside the bench slows samples or a whole measurement, and a process that got unlucky memory is slow
until it ends. So:

- The level of a board is the mean of the fastest crowd of its earlier good runs. Most of the others may have
  been disturbed.
- The noise of few runs is a guess. So runs are taken to differ by `_NOISE`, unless those of the crowd that
  are faster than its mean show that they differ by more.
- A time is slower if it exceeds the level by a share, an amount, and the deviations of the noise.
- A suspected regression is measured again, each time by a fresh agent, and only fails if every measurement is
  slower: a true regression slows all of them.

`python -m tests.hil.gate_quality` shows how often this rule errs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from hil.results.gate.verdict import Direction, Verdict, relative
from hil.results.statistics.bootstrap import fast_mean_interval
from hil.results.statistics.quantiles import fast_mean
from reds.text import percent

SHARE = {"latency": 0.02, "switch": 0.1}
"""Least relative change that counts, by metric."""
AMOUNT_US = {"latency": 0.02, "switch": 0.1}
"""Least change in microseconds that counts, by metric."""
TRIES = 12
"""Measurements of a suspected regression, the first included."""
MOST_RUNS = 20
"""Most earlier runs that a level is computed of."""
FEW_RUNS, AGENTS = 5, 3
"""With fewer earlier runs, a run measures latencies by so many agents, so that it is a better baseline."""
_CROWD, _FEWEST = 0.2, 2
"""Share of the runs that make a crowd, and the fewest runs that make one."""
_NOISE = 0.01
"""Usual standard deviation of the times of runs, relative to their mean."""
_FAR = 4
"""Deviations beyond which a run is not of the crowd."""
_DEVIATIONS, _UNSURE = 2.14, 1.35
"""Deviations of a change that is real, and what the level's own error adds: a little more than a mean's."""
_MORE = 0.003
"""Probability with which runs that differ by `_NOISE` seem to differ by more."""
_STEPS = 30


@dataclass(frozen=True)
class Level:
    """Usual time of a board in microseconds, and the change that counts as none.

    Attributes:
        time: Mean of the fastest crowd of earlier good runs.
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
    times = sorted(fast_mean(samples) for samples in history)
    if not times:
        raise ValueError("no earlier runs")
    crowd = _fastest_crowd(times)
    usual = fmean(crowd)
    deviations = _DEVIATIONS * math.sqrt(1 + _UNSURE / len(crowd))
    share = max(SHARE[metric], deviations * _noise(crowd))
    return Level(usual, max(share * usual, AMOUNT_US[metric]), len(times))


def _fastest_crowd(times: Sequence[float]) -> Sequence[float]:
    """Return the runs around the fastest ones that are close together, else those around the fastest run.

    Args:
        times: Times of runs, the fastest first, at least one.
    """
    size = min(len(times), max(_FEWEST, math.ceil(_CROWD * len(times))))
    firsts = range(len(times) - size + 1)
    close = (i for i in firsts if times[i + size - 1] <= times[i] * (1 + _FAR * _NOISE))
    start = next(close, None)
    crowd = times[:1] if start is None else times[start : start + size]
    for _ in range(_STEPS):
        usual, far = fmean(crowd), _FAR * max(_NOISE, _spread(crowd))
        around = [time for time in times if abs(time - usual) <= far * usual]
        if around in ([], crowd):
            break
        crowd = around
    return crowd


def _spread(times: Sequence[float]) -> float:
    """Return the deviation of the times below their mean, relative to the mean: disturbances only add."""
    usual = fmean(times)
    below = _below(times)
    return math.sqrt(fmean((usual - time) ** 2 for time in below)) / usual if below else 0.0


def _noise(crowd: Sequence[float]) -> float:
    """Return the noise of a board: the usual one, unless its runs show that it is more (chi-squared test)."""
    from scipy.special import chdtri  # imported here: it takes longer than most runs judge

    free, spread = len(_below(crowd)) - 0.5, _spread(crowd)
    if free > 0 and free * (spread / _NOISE) ** 2 > chdtri(free, _MORE):
        return spread
    return _NOISE


def _below(times: Sequence[float]) -> list[float]:
    usual = fmean(times)
    return [time for time in times if time < usual]


def is_slower(samples: Sequence[float], usual: Level) -> bool:
    """Return whether a measurement is slower than its level allows, so that it must be taken again."""
    return fast_mean(samples) > usual.time + usual.margin


def judge_time(name: str, tries: Sequence[Sequence[float]], usual: Level) -> Verdict:
    """Judge the measurements of one run by the fastest.

    Args:
        name: What texts call the time.
        tries: Samples in us of each measurement of this run, one unless the first was slower.
        usual: Level of the board.
    """
    fastest = min(tries, key=fast_mean)
    now = fast_mean(fastest)
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
    low, high = (relative(bound, usual.time) for bound in fast_mean_interval(samples))
    return f", 95 %: {low} to {high}" if low != high else ""
