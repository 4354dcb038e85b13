"""Set up a run: its settings, its boards, its workload and the parameters of its tests."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from hil.errors import HilError, SetupError
from hil.options import Settings, read
from hil.results import file
from hil.results.pack_shape import pack_shape
from hil.suite import defects, tflite_file
from hil.suite import workload as workloads
from hil.suite.board_selection import SelectedBoard, select_boards, summary, why_absent
from hil.suite.duration import alike, estimate, usual_inputs
from hil.suite.option_names import refuse_names_of_others
from hil.suite.switch_pairs import Pair, groups_of_pairs, sampled
from hil.suite.tflite_file import SUFFIX, TfliteFile
from hil.suite.workload import Workload
from hil.xdist import board_probe, lab_shelf
from reds.errors import RedsError

if TYPE_CHECKING:
    from hil.replay.bench import Asked

_OF_PACKS = ("baseline", "against", "precision", "samples", "inputs", "load", "trace")
"""Options that only the bench of a pack obeys."""
BENCH_RUN = pytest.StashKey["BenchRun | str"]()


@dataclass(frozen=True)
class BenchRun:
    """The settings, boards and workload of a run."""

    settings: Settings
    boards: tuple[SelectedBoard, ...]
    benched: Workload | TfliteFile
    baseline: str | None = None
    """Value of --baseline, with the whole id of a run; None without a baseline."""
    asked: "Asked | None" = None
    """The replay that --trace asks for; None without one."""

    @property
    def workload(self) -> Workload:
        """Return the pack and its inputs. Raises `SetupError` if --pack names a `.tflite` file."""
        if isinstance(self.benched, TfliteFile):
            only = f"--pack is {self.benched.name}{SUFFIX}, which `pytest hil` benches"
            raise SetupError(f"{only}; name a .reds pack for tests of your own")
        return self.benched

    @property
    def lines(self) -> list[str]:
        """Return lines for the terminal: boards, sampled switches, and reasons for skipping or emulating."""
        benched = f"{self.benched.name} on {summary(self.boards)}; {self.benched.inputs_are}"
        long, sample = [], []
        if isinstance(self.benched, Workload):
            long = [text] if (text := estimate(self.benched, self.boards, self.settings.samples)) else []
            sample = [text] if (text := sampled(len(self.benched.subnets))) else []
        skipped = [f"skipped: {b.absent}" for b in self.boards if b.absent and not b.fails]
        emulated = [f"emulated: {b.no_hardware}" for b in self.boards if b.no_hardware]
        same = [text] if (text := alike(self.boards)) else []
        return [f"reds-hil: {line}" for line in (benched, *long, *same, *sample, *skipped, *emulated)]


def bench_run_of(config: pytest.Config) -> "BenchRun | str":
    """Set up the run of a session once; return an error text if that is impossible."""
    if BENCH_RUN not in config.stash:
        try:
            refuse_names_of_others(config)
            settings = read(config)
            if settings.results:
                file.prepare(settings.results)
            benched = _benched(settings)
            probe = board_probe.once(config, why_absent)
            limited = benched.subnets if isinstance(benched, Workload) else None
            boards = select_boards(settings, limited, probe, lab_shelf.once(config))
            if isinstance(benched, Workload):
                benched = benched.taking(settings.inputs or usual_inputs(benched, boards))
            baseline = _baseline(settings, boards, benched)
            asked = _asked(settings, benched)
            config.stash[BENCH_RUN] = BenchRun(settings, boards, benched, baseline, asked)
        except (HilError, RedsError) as error:
            config.stash[BENCH_RUN] = str(error)
        except Exception as error:  # its traceback is shown on demand, once for all modules
            config.stash[BENCH_RUN] = f"the run cannot be set up: {defects.described(error)}"
            if defects.tracebacks_wanted(config):
                raise
    return config.stash[BENCH_RUN]


def _benched(settings: Settings) -> Workload | TfliteFile:
    path = settings.pack or workloads.shipped()
    if path.suffix != SUFFIX:
        return workloads.load(path)
    if given := [f"--{name}" for name in _OF_PACKS if getattr(settings, name) is not None]:
        raise SetupError(f"{', '.join(given)}: for packs only, and --pack is {path.name}; leave it out")
    return tflite_file.load(path)


def _baseline(
    settings: Settings, boards: Iterable[SelectedBoard], benched: Workload | TfliteFile
) -> str | None:
    """Return the baseline of the run. One that cannot be compared with is an error before the bench."""
    if settings.baseline is None or isinstance(benched, TfliteFile):
        return None
    from hil.suite import baselines  # here: a run without a baseline needs no database

    kinds = {(board.entry.target, str(board.provenance)): None for board in boards if not board.absent}
    return baselines.resolved(settings.baseline, settings.store, kinds, pack_shape(benched.model))


def _asked(settings: Settings, benched: Workload | TfliteFile) -> "Asked | None":
    """Return the replay of the run. A trace that cannot be used is an error before the bench."""
    if settings.trace is None or isinstance(benched, TfliteFile):
        return None
    from hil.replay import policy  # here: few runs replay a trace
    from hil.replay.bench import Asked
    from hil.replay.scenario import read_scenario
    from hil.replay.source import source

    policy.check_policy(settings.policy, benched.subnets)
    every = (
        *(name for name in policy.every_policy(benched.subnets) if name != settings.policy),
        settings.policy,
    )
    return Asked(source(settings.trace), read_scenario(settings.scenario), every)


def _neighbors(workload: Workload) -> Iterator[tuple[Pair, str]]:
    for a, b in pairwise(range(len(workload.subnets))):
        yield (a, b), f"{workload.subnets[a]}<{workload.subnets[b]}"


def _pairs(workload: Workload) -> Iterator[tuple[tuple[Pair, ...], str]]:
    for pairs in groups_of_pairs(len(workload.subnets)):
        many = f"{len(pairs)} sampled->{workload.subnets[pairs[0][1]]}"
        yield pairs, many if len(pairs) > 1 else workload.pair(pairs[0])


AXES: Mapping[str, Callable[[Workload], Iterator[tuple[Any, str]]]] = {
    "neighbors": _neighbors,
    "pairs": _pairs,
}
"""Parametrized arguments of the suite's tests: their values for a workload, each with its test id."""
