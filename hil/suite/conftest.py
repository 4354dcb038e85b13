"""Give boards and subnets to the suite's tests: the fixtures do all that can lose a board, tests only judge.

So a board that is lost is an error, and only a figure that does not hold is a failure.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.boards.board import Outputs, SwitchSamples
from hil.boards.opening import to_stderr
from hil.errors import HilError, LinkError, UnfitError
from hil.results import replay
from hil.results.progress import progress
from hil.results.samples import Samples
from hil.results.store import Measurement
from hil.suite.board_selection import SelectedBoard
from hil.suite.measurements import Measurements, Pair, Record
from hil.suite.parametrization import AXES, BENCH_RUN, BenchRun, bench_run_of
from hil.suite.workload import Workload
from reds.pack import interpreter

Uncaptured = Callable[[], AbstractContextManager[None]]
TAKEN = pytest.StashKey[list[Measurement]]()
GONE = pytest.StashKey[dict[SelectedBoard, str]]()
"""Boards that did not start or were lost, and the error that said so."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test once for each board, and for each subnet, neighbors or pair that it asks for."""
    axis = next((name for name in AXES if name in metafunc.fixturenames), None)
    if axis is None:
        return
    run = bench_run_of(metafunc.config)
    if isinstance(run, str):
        metafunc.parametrize(axis, [])
        return
    boards = [pytest.param(board, id=board.id) for board in run.boards]
    lonely = pytest.mark.skip(reason=f"{run.workload.model.name} has one subnet only")
    cases = [pytest.param(case, id=name) for case, name in AXES[axis](run.workload)]
    metafunc.parametrize("measurements", boards, indirect=True, scope="session")
    metafunc.parametrize(axis, cases or [pytest.param(None, marks=lonely)])


@pytest.hookimpl(trylast=True)  # after -k and its like have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run if it cannot be set up; xdist's controlling process does so for its workers."""
    if BENCH_RUN not in config.stash:
        return
    run = bench_run_of(config)
    if isinstance(run, str) and not hasattr(config, "workerinput"):
        raise pytest.UsageError(run)
    for item in items:
        if _selected_board(item) and "replay" in getattr(item, "fixturenames", ()):
            replay.attach(config, item)


def _selected_board(item: pytest.Item) -> SelectedBoard | None:
    """The board that a test of the suite is put to; None for other tests."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    board = params.get("measurements")
    return board if isinstance(board, SelectedBoard) else None


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """What will be benched."""
    run = config.stash.get(BENCH_RUN, None)
    return run.lines if isinstance(run, BenchRun) else []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """One error is enough for each board: the tests that it leaves undone are skipped."""
    board = _selected_board(item)
    item.user_properties += board.properties if board else []
    gone = item.config.stash.get(GONE, {})
    if board in gone:
        pytest.skip(f"not run: {gone[board]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the measurements along with the report; say what became of a board in its own sentence."""
    report = yield
    if call.excinfo and isinstance(error := call.excinfo.value, HilError):
        report.longrepr = str(error)
        started = "measurements" in getattr(item, "funcargs", ())
        if (board := _selected_board(item)) and (not started or isinstance(error, LinkError | UnfitError)):
            item.config.stash.setdefault(GONE, {}).setdefault(board, str(error))
    taken = item.stash.get(TAKEN, []) if call.when == "call" else []
    report.hil = [m.plain() for m in taken]  # type: ignore[attr-defined]  # reports carry extras to xdist
    return report


@pytest.fixture(scope="session")
def bench_run(pytestconfig: pytest.Config) -> BenchRun:
    """What this run benches."""
    made = bench_run_of(pytestconfig)
    assert isinstance(made, BenchRun)  # else collection has ended the run
    return made


@pytest.fixture(scope="session")
def workload(bench_run: BenchRun) -> Workload:
    """The pack under test, with the inputs to run."""
    return bench_run.workload


@pytest.fixture(scope="session")
def uncaptured(pytestconfig: pytest.Config) -> Uncaptured:
    """Lets a progress bar through pytest's capturing."""
    manager = pytestconfig.pluginmanager.getplugin("capturemanager")
    return manager.global_and_fixture_disabled if manager else nullcontext


@pytest.fixture(scope="session")
def measurements(
    request: pytest.FixtureRequest, bench_run: BenchRun, uncaptured: Uncaptured
) -> Iterator[Measurements]:
    """A board with the pack deployed; skips one that is absent."""
    selected: SelectedBoard = request.param
    if selected.absent and not selected.fails:
        pytest.skip(selected.absent)

    def say(text: str) -> None:
        with uncaptured():
            to_stderr(text)

    with selected.start(say, bench_run.settings.lease_wait) as board:
        what = f"{board.name}: storing {bench_run.workload.model.name}"
        with progress(what, bench_run.workload.size, uncaptured) as advance:
            board.deploy(bench_run.workload.model, advance)
        entry, settings = selected.entry, bench_run.settings
        budgets = {"us": entry.latency_us, "instructions": entry.instructions}
        limits = {"us": settings.switch_limit_us, "instructions": entry.switch_instructions}
        yield Measurements(board, bench_run.workload, budgets, limits, settings.samples)


@pytest.fixture(scope="session")
def reference_outputs(bench_run: BenchRun) -> list[Outputs]:
    """The reference's outputs of every subnet on the workload's inputs."""
    model = bench_run.workload.model
    return [interpreter.run(model, s, bench_run.workload.inputs) for s in range(len(model.subnets))]


@pytest.fixture
def expected(reference_outputs: list[Outputs], subnet: int) -> Outputs:
    """The reference's outputs of this subnet."""
    return reference_outputs[subnet]


@pytest.fixture
def outputs(measurements: Measurements, subnet: int, uncaptured: Uncaptured) -> Outputs:
    """The board's outputs of this subnet, on the same inputs."""
    what = f"{measurements.board.name}: {measurements.workload.inputs_are}"
    with progress(what, len(measurements.workload.inputs), uncaptured) as advance:
        return measurements.outputs(advance)[subnet]


@pytest.fixture
def truth(workload: Workload) -> NDArray[np.uint8]:
    """The classes of the labeled clips; skips where they are not at hand."""
    if not len(workload.truth):
        pytest.skip(f"no labeled clips for {workload.model.name}: {workload.unlabeled}")
    return workload.truth


@pytest.fixture
def budgets(measurements: Measurements, subnet: int) -> Mapping[str, float]:
    """What boards.toml allows this subnet, by unit."""
    name = measurements.workload.subnets[subnet]
    return {unit: by_subnet[name] for unit, by_subnet in measurements.budgets.items() if name in by_subnet}


def _counting(measurements: Measurements) -> Measurements:
    """Those of a board that counts anything; skips Android's own emulator, where time is its host's."""
    if not measurements.board.facts().clocks:
        pytest.skip(f"{measurements.board.name} counts nothing, so nothing is timed on it")
    return measurements


@pytest.fixture
def latency(measurements: Measurements, subnet: int) -> Mapping[str, Samples]:
    """Steady inferences of this subnet, on each clock."""
    return _counting(measurements).latency(subnet)


@pytest.fixture(name="replay")
def _replay(request: pytest.FixtureRequest) -> Callable[[Sequence[float]], None]:
    """Shows samples in us to pytest-benchmark, where it was asked to keep or compare some."""
    clock = request.node.stash.get(replay.CLOCK, None)
    if clock is None:
        return lambda samples: None
    return lambda samples: clock.play(request.getfixturevalue("benchmark"), samples)


@pytest.fixture
def latencies(
    measurements: Measurements, neighbors: Pair
) -> tuple[Mapping[str, Samples], Mapping[str, Samples]]:
    """Steady inferences of the smaller and the larger subnet, on each clock."""
    smaller, larger = neighbors
    return _counting(measurements).latency(smaller), measurements.latency(larger)


@pytest.fixture
def switch(measurements: Measurements, pair: Pair) -> Mapping[str, SwitchSamples]:
    """Switches of this pair, on each clock."""
    return _counting(measurements).switch(pair)


@pytest.fixture
def steady(measurements: Measurements, pair: Pair) -> Mapping[str, Samples]:
    """Steady inferences of the subnet that the pair ends in, on each clock."""
    return measurements.latency(pair[1])


@pytest.fixture
def record(request: pytest.FixtureRequest, measurements: Measurements) -> Record:
    """Keeps a measurement of this board: for the table, the results file and JUnit's properties."""
    facts, workload = measurements.board.facts(), measurements.workload
    noted: list[tuple[str, object]] = request.node.user_properties
    noted.append(("inputs", workload.inputs_are))
    taken = request.node.stash.setdefault(TAKEN, [])

    def keep(subnet: str, metric: str, unit: str, value: float, samples: Iterable[float]) -> None:
        who = facts.target, facts.name, str(facts.provenance), workload.model.name, workload.sha256
        seen = measurements.conditions
        when = dict(zip(("before", "after"), (c.plain() for c in seen), strict=True)) if seen else None
        taken.append(Measurement(*who, subnet, metric, unit, value, tuple(samples), when))
        noted.append((f"{subnet} {metric} [{unit}]", value))

    return keep
