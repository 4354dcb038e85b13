"""Let the gate judge many runs of a board, with and without a slowdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from hil.results.gate.times import AGENTS, FEW_RUNS, TRIES, is_slower, level
from hil.results.statistics.quantiles import fast_mean
from tests.hil.gate_quality.boards import Draw

Time = list[float]
"""The time of a measurement as its only sample, so that it is computed once."""


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
        history: Earlier runs of the board; each history is drawn anew. Few ones are of `--baseline auto`, so
            each was measured by several agents. Of more each was measured by one: some may have had no gate.
        runs: Runs to judge.
        slowdown: Factor of a slower run, as 1.05.
        seed: Seed of all draws.
    """
    rng = np.random.default_rng(seed)
    agents = AGENTS if history <= FEW_RUNS else 1
    first = AGENTS if history < FEW_RUNS else 1
    false_alarms = detected = 0
    for _ in range(runs):
        earlier = [_times(draw, rng, agents, 1)[0] for _ in range(history)]
        tries = _times(draw, rng, first, TRIES)
        false_alarms += _fails(tries, earlier)
        detected += _fails([[slowdown * time[0]] for time in tries], earlier)
    return Quality(runs, false_alarms, detected)


def _fails(tries: Sequence[Time], earlier: Sequence[Time]) -> bool:
    usual = level("latency", earlier)
    return all(is_slower(samples, usual) for samples in tries)


def _times(draw: Draw, rng: np.random.Generator, first: int, tries: int) -> list[Time]:
    """Return the times of a run: the first one of so many measurements, each other one of one."""
    taken = draw(rng)
    joined = chain.from_iterable(samples.tolist() for samples in islice(taken, first))
    times = [[fast_mean([*joined])]]
    return times + [[fast_mean(samples.tolist())] for samples in islice(taken, tries - 1)]
