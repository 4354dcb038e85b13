"""Hands samples that a board has timed to pytest-benchmark, so that its save, compare and histogram serve.

pytest-benchmark times calls with a clock that a marker may choose: here one that only the samples move.
This project's own results and limits stay the judge; it is asked for by any of the options below.
"""

from collections.abc import Sequence
from typing import Any

import pytest

_WANTED_BY = ("autosave", "save", "json", "compare", "histogram")


class ReplayClock:
    """A clock in seconds that stands still but for the samples played on it."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self._now

    def play(self, benchmark: Any, microseconds: Sequence[float]) -> None:
        """Let pytest-benchmark's fixture see one round for each sample, as long as the sample."""
        rest = iter(microseconds)

        def last() -> None:
            self._now += next(rest) / 1e6

        benchmark.pedantic(last, rounds=len(microseconds), iterations=1)


CLOCK = pytest.StashKey[ReplayClock]()


def attach(config: pytest.Config, item: pytest.Item) -> None:
    """Give a test its own clock, if pytest-benchmark is there and asked to keep or compare something."""
    there = config.pluginmanager.hasplugin("benchmark")
    if there and any(config.getoption(f"benchmark_{name}", None) for name in _WANTED_BY):
        clock = item.stash[CLOCK] = ReplayClock()
        item.add_marker(pytest.mark.benchmark(timer=clock, group="latency on the board"), append=False)
