"""Set up a run: its settings, its boards, its workload and the parameters of its tests."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Any

import pytest

from hil.errors import HilError
from hil.options import Settings, read
from hil.results import store
from hil.suite import workload as workloads
from hil.suite.board_selection import SelectedBoard, select_boards, summary, why_absent
from hil.suite.measurements import Pair
from hil.suite.workload import Workload
from hil.xdist import board_probe
from reds.errors import RedsError

BENCH_RUN = pytest.StashKey["BenchRun | str"]()


@dataclass(frozen=True)
class BenchRun:
    """The settings, boards and workload of a run."""

    settings: Settings
    boards: tuple[SelectedBoard, ...]
    workload: Workload

    @property
    def lines(self) -> list[str]:
        """Return lines for the terminal: the boards, and the reasons for skipping or emulating one."""
        benched = f"{self.workload.model.name} on {summary(self.boards)}; {self.workload.inputs_are}"
        skipped = [f"skipped: {b.absent}" for b in self.boards if b.absent and not b.fails]
        emulated = [f"emulated: {b.no_hardware}" for b in self.boards if b.no_hardware]
        return [f"reds-hil: {line}" for line in (benched, *skipped, *emulated)]


def bench_run_of(config: pytest.Config) -> "BenchRun | str":
    """Set up the run of a session once; return an error text if that is impossible."""
    if BENCH_RUN not in config.stash:
        try:
            settings = read(config)
            if settings.results:
                store.prepare(settings.results)
            workload = workloads.load(settings.pack or workloads.shipped())
            probe = board_probe.once(config, why_absent)
            boards = select_boards(settings, workload.subnets, probe)
            config.stash[BENCH_RUN] = BenchRun(settings, boards, workload)
        except (HilError, RedsError) as error:
            config.stash[BENCH_RUN] = str(error)
    return config.stash[BENCH_RUN]


def _neighbors(workload: Workload) -> Iterator[tuple[Pair, str]]:
    for a, b in pairwise(range(len(workload.subnets))):
        yield (a, b), f"{workload.subnets[a]}<{workload.subnets[b]}"


def _pairs(workload: Workload) -> Iterator[tuple[Pair, str]]:
    for a, b in permutations(range(len(workload.subnets)), 2):
        yield (a, b), workload.pair((a, b))


AXES: Mapping[str, Callable[[Workload], Iterator[tuple[Any, str]]]] = {
    "neighbors": _neighbors,
    "pair": _pairs,
}
"""Parametrized arguments of the suite's tests: their values for a workload, each with its test id."""
