"""Pass samples that a board timed to pytest-benchmark, for its save, compare and histogram.

pytest-benchmark times calls with a clock that a marker may replace: here a clock that only samples advance.
Samples are passed only if one of the options below is given. The limits of this project stay the judge.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

_WANTED_BY = ("autosave", "save", "json", "compare", "histogram", "only")


class ReplayClock:
    """A clock in seconds that stands still until samples are played."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self._now

    def play(self, benchmark: Any, microseconds: Sequence[float], facts: Mapping[str, str]) -> None:
        """Show pytest-benchmark's fixture one round for each sample, each as long as its sample.

        Args:
            benchmark: The fixture.
            microseconds: The samples.
            facts: What they are of, for `extra_info` of the JSON file.
        """
        benchmark.extra_info.update(facts)
        rest = iter(microseconds)

        def last() -> None:
            self._now += next(rest) / 1e6

        benchmark.pedantic(last, rounds=len(microseconds), iterations=1)


_FIXTURE = "benchmark"
CLOCK = pytest.StashKey[ReplayClock]()


def announce(config: pytest.Config, item: pytest.Item) -> None:
    """List pytest-benchmark's fixture among those of a test, so that --benchmark-only leaves the test in."""
    names = getattr(item, "fixturenames", [])
    if config.pluginmanager.hasplugin("benchmark") and config.getoption("benchmark_only", None):
        names += [] if _FIXTURE in names else [_FIXTURE]


def attach(config: pytest.Config, item: pytest.Item) -> None:
    """Give a test its own clock if pytest-benchmark is asked to keep or compare anything."""
    there = config.pluginmanager.hasplugin("benchmark")
    if there and any(config.getoption(f"benchmark_{name}", None) for name in _WANTED_BY):
        clock = item.stash[CLOCK] = ReplayClock()
        item.add_marker(pytest.mark.benchmark(timer=clock, group="latency on the board"), append=False)
