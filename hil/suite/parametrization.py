"""What a run benches: settings, boards and workload, and the cases that each test is parametrized with."""

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
from reds.errors import PackError

BENCH_RUN = pytest.StashKey["BenchRun | str"]()


@dataclass(frozen=True)
class BenchRun:
    """What this run benches."""

    settings: Settings
    boards: tuple[SelectedBoard, ...]
    workload: Workload

    @property
    def lines(self) -> list[str]:
        """What will be benched, why not the boards that are skipped, and why others only emulated."""
        benched = f"{self.workload.model.name} on {summary(self.boards)}; {self.workload.inputs_are}"
        skipped = [f"skipped: {b.absent}" for b in self.boards if b.absent and not b.fails]
        emulated = [f"emulated: {b.no_hardware}" for b in self.boards if b.no_hardware]
        return [f"reds-hil: {line}" for line in (benched, *skipped, *emulated)]


def bench_run_of(config: pytest.Config) -> "BenchRun | str":
    """What is to be benched, worked out once; a sentence when that is not possible."""
    if BENCH_RUN not in config.stash:
        try:
            settings = read(config)
            if settings.results:
                store.prepare(settings.results)
            workload = workloads.load(settings.pack or workloads.shipped())
            probe = board_probe.once(config, why_absent)
            boards = select_boards(settings, workload.subnets, probe)
            config.stash[BENCH_RUN] = BenchRun(settings, boards, workload)
        except (HilError, PackError) as error:
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
"""By the argument that a test asks for: its values for a pack, each with its name in the test's id."""
