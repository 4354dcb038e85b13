"""Let the gate judge many runs of a board, with and without a slowdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from hil.results.gate.times import TRIES, is_slower, level
from hil.results.statistics.quantiles import middle_mean
from tests.hil.gate_quality.boards import Draw

Time = list[float]
"""The middle mean of a measurement as its only sample, so that it is computed once."""


@dataclass(frozen=True)
class Quality:
    """Numbers of failed runs among `runs`, without a change and with a slowdown."""

    runs: int
    false_alarms: int
    detected: int


def quality(draw: Draw, history: int, runs: int, slowdown: float, seed: int) -> Quality:
    """Return how often the gate is right.

    Args:
        draw: The board.
        history: Earlier runs of the board; each history is drawn anew.
        runs: Runs to judge.
        slowdown: Factor of a slower run, as 1.05.
        seed: Seed of all draws.
    """
    rng = np.random.default_rng(seed)
    false_alarms = detected = 0
    for _ in range(runs):
        earlier = [_times(draw, rng, 1)[0] for _ in range(history)]
        tries = _times(draw, rng, TRIES)
        false_alarms += _fails(tries, earlier)
        detected += _fails([[slowdown * time[0]] for time in tries], earlier)
    return Quality(runs, false_alarms, detected)


def _fails(tries: Sequence[Time], earlier: Sequence[Time]) -> bool:
    usual = level("latency", earlier)
    return all(is_slower(samples, usual) for samples in tries)


def _times(draw: Draw, rng: np.random.Generator, count: int) -> list[Time]:
    return [[middle_mean(samples.tolist())] for samples in islice(draw(rng), count)]
