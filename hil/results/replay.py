"""Pass samples that a board timed to pytest-benchmark, for its save, compare and histogram.

pytest-benchmark times calls with a clock that a marker may replace: here a clock that only samples advance.
Samples are passed only if one of the options below is given. The limits of this project stay the judge.
"""

from collections.abc import Sequence
from typing import Any

import pytest

_WANTED_BY = ("autosave", "save", "json", "compare", "histogram")


class ReplayClock:
    """A clock in seconds that stands still until samples are played."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self._now

    def play(self, benchmark: Any, microseconds: Sequence[float]) -> None:
        """Show pytest-benchmark's fixture one round for each sample, each as long as its sample."""
        rest = iter(microseconds)

        def last() -> None:
            self._now += next(rest) / 1e6

        benchmark.pedantic(last, rounds=len(microseconds), iterations=1)


CLOCK = pytest.StashKey[ReplayClock]()


def attach(config: pytest.Config, item: pytest.Item) -> None:
    """Give a test its own clock if pytest-benchmark is asked to keep or compare anything."""
    there = config.pluginmanager.hasplugin("benchmark")
    if there and any(config.getoption(f"benchmark_{name}", None) for name in _WANTED_BY):
        clock = item.stash[CLOCK] = ReplayClock()
        item.add_marker(pytest.mark.benchmark(timer=clock, group="latency on the board"), append=False)
