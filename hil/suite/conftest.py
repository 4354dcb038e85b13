"""Measure for the suite's tests: the fixtures do all that can lose a board, tests only judge.

So a board that is lost is an error, and only a figure that does not hold is a failure.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.boards.board import Outputs, SwitchSamples
from hil.boards.open_board import OpenBoard
from hil.results import replay
from hil.results.progress import progress
from hil.results.samples import Samples
from hil.suite.board_tests import selected_board
from hil.suite.fixtures import Record, Uncaptured
from hil.suite.leased import LeasedBoard
from hil.suite.measurements import Measurements, Pair
from hil.suite.parametrization import AXES, BenchRun, bench_run_of
from hil.suite.workload import Workload
from reds.pack import interpreter
from reds.pack.pack import Pack


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each pair or neighbors that it asks for, beside each board."""
    axis = next((name for name in AXES if name in metafunc.fixturenames), None)
    if axis is None:
        return
    run = bench_run_of(metafunc.config)
    if isinstance(run, str):
        metafunc.parametrize(axis, [])
        return
    lonely = pytest.mark.skip(reason=f"{run.workload.model.name} has one subnet only")
    cases = [pytest.param(case, id=name) for case, name in AXES[axis](run.workload)]
    metafunc.parametrize(axis, cases or [pytest.param(None, marks=lonely)])


@pytest.hookimpl(trylast=True)  # after -k and its like have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give tests that ask for `replay` the clock of pytest-benchmark."""
    for item in items:
        if selected_board(item) and "replay" in getattr(item, "fixturenames", ()):
            replay.attach(config, item)


@pytest.fixture(scope="session")
def workload(_hil_run: BenchRun) -> Workload:
    """The pack under test, with the inputs to run."""
    return _hil_run.workload


@pytest.fixture(scope="session")
def _measurements(
    board: OpenBoard, pack: Pack, _hil_board: LeasedBoard, _hil_run: BenchRun, _hil_uncaptured: Uncaptured
) -> Measurements:
    """The measurements of a board, with the pack deployed."""
    what = f"{board.name}: storing {pack.model.name}"
    with progress(what, _hil_run.workload.size, _hil_uncaptured) as advance:
        board.deploy(pack, advance=advance)
    entry, settings = _hil_board.selected.entry, _hil_run.settings
    budgets = {"us": entry.latency_us, "instructions": entry.instructions}
    limits = {"us": settings.switch_limit_us, "instructions": entry.switch_instructions}
    return Measurements(_hil_board, _hil_run.workload, budgets, limits, settings.samples)


@pytest.fixture
def measurements(_measurements: Measurements, board: OpenBoard, pack: Pack) -> Measurements:
    """The measurements of a board; a user's test may have deployed another pack since the last one."""
    if board.pack is not pack:
        board.deploy(pack)
    return _measurements


@pytest.fixture(scope="session")
def reference_outputs(workload: Workload) -> list[Outputs]:
    """The reference's outputs of every subnet on the workload's inputs."""
    model = workload.model
    return [interpreter.run(model, s, workload.inputs) for s in range(len(model.subnets))]


@pytest.fixture
def expected(reference_outputs: list[Outputs], workload: Workload, subnet: str) -> Outputs:
    """The reference's outputs of this subnet."""
    return reference_outputs[workload.subnets.index(subnet)]


@pytest.fixture
def outputs(measurements: Measurements, subnet: str, _hil_uncaptured: Uncaptured) -> Outputs:
    """The board's outputs of this subnet, on the same inputs."""
    what = f"{measurements.board.name}: {measurements.workload.inputs_are}"
    with progress(what, len(measurements.workload.inputs), _hil_uncaptured) as advance:
        return measurements.outputs(advance)[measurements.workload.subnets.index(subnet)]


@pytest.fixture
def truth(workload: Workload) -> NDArray[np.uint8]:
    """The classes of the labeled clips; skips where they are not at hand."""
    if not len(workload.truth):
        pytest.skip(f"no labeled clips for {workload.model.name}: {workload.unlabeled}")
    return workload.truth


@pytest.fixture
def budgets(measurements: Measurements, subnet: str) -> Mapping[str, float]:
    """What boards.toml allows this subnet, by unit."""
    budgets = measurements.budgets.items()
    return {unit: by_subnet[subnet] for unit, by_subnet in budgets if subnet in by_subnet}


def _counting(measurements: Measurements) -> Measurements:
    """Those of a board that counts anything; skips Android's own emulator, where time is its host's."""
    if not measurements.board.facts().clocks:
        pytest.skip(f"{measurements.board.name} counts nothing, so nothing is timed on it")
    return measurements


@pytest.fixture
def latency(measurements: Measurements, subnet: str) -> Mapping[str, Samples]:
    """Steady inferences of this subnet, on each clock."""
    return _counting(measurements).latency(measurements.workload.subnets.index(subnet))


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
def record_measurement(
    request: pytest.FixtureRequest, record_measurement: Record, workload: Workload
) -> Record:
    """The plugin's fixture; the inputs that the suite runs on are noted too."""
    request.node.user_properties.append(("inputs", workload.inputs_are))
    return record_measurement
