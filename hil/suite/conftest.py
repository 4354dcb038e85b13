"""Measure boards in fixtures, so that the suite's tests only compare figures.

A lost board is then an error of pytest, and a figure out of bounds is a failure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.boards.board import Outputs
from hil.boards.facts import Provenance
from hil.boards.open_board import OpenBoard
from hil.energy.figures import Energy
from hil.errors import HilError, NotMeasurable, SetupError
from hil.options import Settings, read
from hil.results import replay
from hil.results.limit import Limit
from hil.results.memory import Memory
from hil.results.pack_shape import pack_shape
from hil.results.profile import Profile
from hil.results.progress import progress
from hil.results.run import PackFacts
from hil.suite import fixtures
from hil.suite.board_selection import any_meter
from hil.suite.board_tests import selected_board
from hil.suite.fixtures import Hold, Keep, Note, Record, Uncaptured
from hil.suite.gating import Gate
from hil.suite.leased import LeasedBoard
from hil.suite.measurements import Latency, Measurements, Precision, Switches
from hil.suite.parametrization import AXES, BenchRun, bench_run_of
from hil.suite.reporting import LIMITS, kept_for
from hil.suite.switch_pairs import Pair
from hil.suite.tflite_file import SUFFIX, TfliteFile
from hil.suite.workload import Workload
from reds.commands import missing_extra
from reds.pack import interpreter
from reds.pack.pack import Pack

if TYPE_CHECKING:
    from hil.kernels.litert import LiteRT
    from hil.kernels.litert_comparison import Beside

_SWITCHED = 100
"""Inputs that switches run without --samples, on any board."""
_AT_ONCE = 64
"""Inputs that the reference runs between two steps of its progress."""
_FOLDER = Path(__file__).parent
_WANTED: Mapping[str, Callable[[Settings], bool]] = {
    "test_against.py": lambda settings: bool(settings.against),
    "test_baseline.py": lambda settings: bool(settings.baseline),
    "test_energy.py": any_meter,
}
"""Modules that a run leaves out unless its settings want them."""
_TFLITE = _FOLDER / "test_tflite.py"
"""The one module for a `.tflite` file, which no other module can bench."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each pair of subnets if it uses `pairs` or `neighbors`."""
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


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out tests of what the run does not ask for: baselines, other runtimes, energy, `.tflite`."""
    if collection_path.parent != _FOLDER or not collection_path.name.startswith("test_"):
        return None
    wanted = _WANTED.get(collection_path.name)
    with suppress(HilError):  # collection reports an option or a boards file that is invalid
        settings = read(config)
        if _is_tflite(settings) != (collection_path == _TFLITE):
            return True
        return True if wanted and not wanted(settings) else None
    return None


def _is_tflite(settings: Settings) -> bool:
    return settings.pack is not None and settings.pack.suffix == SUFFIX


@pytest.hookimpl(tryfirst=True)  # before pytest-benchmark skips tests without its fixture
def pytest_itemcollected(item: pytest.Item) -> None:
    """Let --benchmark-only leave the tests in that use `replay`."""
    if selected_board(item) and "replay" in getattr(item, "fixturenames", ()):
        replay.announce(item.config, item)


@pytest.hookimpl(trylast=True)  # after -k and -m have deselected tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Attach the clock of pytest-benchmark to each test that uses `replay`."""
    for item in items:
        if selected_board(item) and "replay" in getattr(item, "fixturenames", ()):
            replay.attach(config, item)


@pytest.fixture(scope="session")
def workload(_hil_run: BenchRun) -> Workload:
    """Return the pack under test, with the inputs to run."""
    return _hil_run.workload


@pytest.fixture(scope="session")
def _measurements(
    pytestconfig: pytest.Config,
    board: OpenBoard,
    pack: Pack,
    _hil_board: LeasedBoard,
    _hil_run: BenchRun,
    _hil_uncaptured: Uncaptured,
) -> Measurements:
    """Deploy the pack on a board, and return the board's measurements."""
    what = f"{board.name}: storing {pack.model.name}"
    with (
        kept_for(pytestconfig, _hil_board.selected),
        progress(what, _hil_run.workload.size, _hil_uncaptured) as advance,
    ):
        board.deploy(pack, advance=advance)
    entry, settings = _hil_board.selected.entry, _hil_run.settings
    budgets = {"us": entry.latency_us, "instructions": entry.instructions}
    budgets |= {"stack": entry.stack_bytes, "ram": entry.ram_bytes}
    limits = {"us": settings.switch_limit_us, "instructions": entry.switch_instructions}
    precision = Precision(settings.precision, settings.precision_seconds) if settings.precision else None
    return Measurements(_hil_board, _hil_run.workload, budgets, limits, settings.samples, precision)


@pytest.fixture
def measurements(_measurements: Measurements, board: OpenBoard, pack: Pack) -> Measurements:
    """Return a board's measurements; deploy the pack again if a user's test deployed another one."""
    if board.pack is not pack:
        board.deploy(pack)
    return _measurements


@pytest.fixture(scope="session")
def reference_outputs(workload: Workload, _hil_run: BenchRun, _hil_uncaptured: Uncaptured) -> list[Outputs]:
    """Return the reference interpreter's outputs of each subnet for each row of the workload's inputs.

    Rows that no test uses are 0.
    """
    model, subnets = workload.model, range(len(workload.subnets))
    switched = np.arange(min(len(workload.inputs), _hil_run.settings.samples or _SWITCHED))
    rows = np.union1d(workload.taken, switched)
    outputs = [np.zeros((len(workload.inputs), model.output_size(s)), np.int8) for s in subnets]
    with progress(f"reference: {len(rows):,} inputs", len(rows), _hil_uncaptured) as advance:
        for at in range(0, len(rows), _AT_ONCE):
            some = rows[at : at + _AT_ONCE]
            for s in subnets:
                outputs[s][some] = interpreter.run(model, s, workload.inputs[some])
            advance(at + len(some))
    return outputs


@pytest.fixture
def expected(reference_outputs: list[Outputs], workload: Workload, subnet: str) -> Outputs:
    """Return the reference interpreter's outputs of this subnet on the inputs that are taken."""
    return reference_outputs[workload.subnets.index(subnet)][workload.taken]


@pytest.fixture
def outputs(measurements: Measurements, subnet: str, _hil_uncaptured: Uncaptured) -> Outputs:
    """Return the board's outputs of this subnet on the inputs that are taken."""
    taken = len(measurements.workload.taken)
    what = f"{measurements.leased.facts().name}: outputs of {taken:,} inputs"
    with progress(what, taken, _hil_uncaptured) as advance:
        return measurements.outputs(advance)[measurements.workload.subnets.index(subnet)]


@pytest.fixture
def truth(workload: Workload) -> NDArray[np.uint8]:
    """Return the classes of the labeled examples that are taken; skip the test if there are none."""
    if not len(workload.taken_truth):
        pytest.skip(f"no labeled examples for {workload.model.name}: {workload.unlabeled or 'none is taken'}")
    return workload.taken_truth


@pytest.fixture
def budgets(measurements: Measurements, subnet: str) -> Mapping[str, float]:
    """Return the budgets of this subnet in the boards file, by unit of a latency or by metric of memory."""
    budgets = measurements.budgets.items()
    return {unit: by_subnet[subnet] for unit, by_subnet in budgets if subnet in by_subnet}


def _counting(measurements: Measurements) -> Measurements:
    """Skip the test if the board has no clock; else return `measurements`.

    Android's own emulator has none: its time is that of the host.
    """
    if not (facts := measurements.leased.facts()).clocks:
        pytest.skip(f"{facts.name} has no clock, so no latency can be measured")
    return measurements


@contextmanager
def _shown(measurements: Measurements, what: str, uncaptured: Uncaptured) -> Iterator[Measurements]:
    """Show that a board measures; yield its measurements. Skip the test if it has no clock."""
    with progress(f"{_counting(measurements).leased.facts().name}: {what}", None, uncaptured):
        yield measurements


@pytest.fixture
def latency(measurements: Measurements, subnet: str, _hil_uncaptured: Uncaptured) -> Latency:
    """Return the steady-state latencies of this subnet, by clock."""
    with _shown(measurements, "latencies", _hil_uncaptured) as shown:
        return shown.latency(measurements.workload.subnets.index(subnet))


@pytest.fixture(scope="session")
def _gate(_measurements: Measurements, _hil_board: LeasedBoard, _hil_run: BenchRun) -> Iterator[Gate]:
    """Return the gate of a board, with the baseline of --baseline."""
    from hil.suite import baselines  # here: a run without a baseline needs no database

    settings, pack = _hil_run.settings, _hil_run.workload.pack
    who = _hil_board.identity, pack_shape(pack.model)
    with baselines.found(settings.baseline or baselines.AUTO, settings.store, *who) as baseline:
        named = settings.baseline not in (None, baselines.AUTO)
        yield Gate(_measurements, baseline, baselines.labeled_of(pack.card), named)


@pytest.fixture
def gate(_gate: Gate, measurements: Measurements) -> Gate:
    """Return the gate of a board, on which the pack is deployed."""
    return _gate


@pytest.fixture
def profile(measurements: Measurements, subnet: str, _hil_uncaptured: Uncaptured) -> Profile:
    """Return what each layer of this subnet costs."""
    with _shown(measurements, f"layers of {subnet}", _hil_uncaptured) as shown:
        return shown.profile(measurements.workload.subnets.index(subnet))


@pytest.fixture
def memory(measurements: Measurements, subnet: str, budgets: Mapping[str, float]) -> Memory:
    """Return the RAM that this subnet takes.

    The test is skipped if the board cannot tell, but a limit in the boards file that nobody can hold is an
    error.
    """
    try:
        return measurements.memory(measurements.workload.subnets.index(subnet))
    except NotMeasurable as error:
        if budgets.keys() & {"stack", "ram"}:
            raise
        reason = str(error)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def _litert(_hil_run: BenchRun, _hil_board: LeasedBoard) -> Iterator["LiteRT | str"]:
    """Return LiteRT on a board, or why boards of its kind do not run it.

    As for an absent board, this is an error if --target names the board. A board that lacks LiteRT but could
    run it is an error with the command that installs it.
    """
    from hil.kernels import litert  # here: few runs are compared with it

    selected = _hil_board.selected
    try:
        litert.check(selected.entry, selected.provenance is Provenance.EMULATED)
    except SetupError as error:
        if selected.entry.target in _hil_run.settings.target:
            raise
        why = str(error)
    else:
        with litert.started(selected.entry) as there:
            yield there
        return
    yield why


@pytest.fixture(scope="session")
def tflite(_hil_run: BenchRun) -> TfliteFile:
    """Return the `.tflite` file of --pack."""
    assert isinstance(_hil_run.benched, TfliteFile)  # else its tests are not collected
    return _hil_run.benched


@pytest.fixture(scope="session")
def runtime(_litert: "LiteRT | str", tflite: TfliteFile) -> "LiteRT":
    """Return LiteRT on a board with the file loaded; skip the test where LiteRT does not run."""
    if isinstance(_litert, str):
        pytest.skip(_litert)
    _litert.load(tflite.content)
    return _litert


@pytest.fixture
def keep(request: pytest.FixtureRequest, _hil_board: LeasedBoard, tflite: TfliteFile) -> Keep:
    """Return a function that keeps a figure of the file: metric, unit, value, samples."""
    of = PackFacts(tflite.name, tflite.sha256, "")
    return partial(fixtures.keep, request.node, _hil_board, of, tflite.subnets[0])


@pytest.fixture
def beside(measurements: Measurements, subnet: str, _litert: "LiteRT | str") -> "Beside":
    """Return the latencies of this subnet beside those in LiteRT; skip the test where that does not run."""
    if isinstance(_litert, str):
        pytest.skip(_litert)
    try:
        return measurements.beside(measurements.workload.subnets.index(subnet), _litert)
    except ModuleNotFoundError as error:
        raise SetupError(missing_extra(error) or str(error)) from error


@pytest.fixture
def energy(measurements: Measurements, subnet: str, _hil_board: LeasedBoard) -> Energy:
    """Return the energy of this subnet's inferences; skip the test without a meter, or if emulated."""
    if (meter := _hil_board.selected.entry.meter) is None:
        pytest.skip(f"{_hil_board.selected.entry.name} has no meter")
    try:
        return measurements.energy(measurements.workload.subnets.index(subnet), meter)
    except NotMeasurable as error:
        reason = str(error)
    pytest.skip(reason)


@pytest.fixture(name="replay")
def _replay(
    request: pytest.FixtureRequest, _hil_board: LeasedBoard, pack: Pack, subnet: str
) -> Callable[[Sequence[float]], None]:
    """Return a function that passes samples in us to pytest-benchmark, or drops them if it is off."""
    clock = request.node.stash.get(replay.CLOCK, None)
    if clock is None:
        return lambda samples: None
    who = _hil_board.facts()
    facts = {"target": who.target, "board": who.name, "provenance": str(who.provenance)}
    facts |= {"pack": pack.model.name, "pack_sha256": pack.sha256, "subnet": subnet}
    return lambda samples: clock.play(request.getfixturevalue("benchmark"), samples, facts)


@pytest.fixture
def latencies(measurements: Measurements, neighbors: Pair) -> Mapping[int, Latency]:
    """Return the steady-state latencies of the smaller and the larger subnet, by clock."""
    return {subnet: _counting(measurements).latency(subnet) for subnet in neighbors}


@pytest.fixture
def switches(
    measurements: Measurements, pairs: tuple[Pair, ...], _hil_uncaptured: Uncaptured
) -> Mapping[Pair, Switches]:
    """Return the switches of these pairs, each by clock."""
    to = measurements.workload.subnets[pairs[0][1]]
    with _shown(measurements, f"switches to {to}", _hil_uncaptured) as shown:
        return {pair: shown.switch(pair) for pair in pairs}


@pytest.fixture
def steady(measurements: Measurements, pairs: tuple[Pair, ...]) -> Latency:
    """Return the steady-state latencies of the subnet that all these pairs switch to, by clock."""
    return measurements.latency(pairs[0][1])


@pytest.fixture
def hold(request: pytest.FixtureRequest, _hil_board: LeasedBoard) -> Hold:
    """Return a function that holds a figure to a limit."""
    facts = _hil_board.facts()
    who = facts.target, facts.name, str(facts.provenance)

    def keep(subnet: str, metric: str, unit: str, limit: float, kept: bool, least: bool = False) -> bool:
        found = Limit(*who, subnet, metric, unit, limit, least, kept)
        request.node.stash.setdefault(LIMITS, []).append(found)
        request.node.user_properties.append((f"limit of {subnet} {metric} [{unit}]", limit))
        return kept

    return keep


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Keep a text in the test's properties; those that `hil.plugin` lists are shown below the table."""
    return lambda name, text: request.node.user_properties.append((name, text))


@pytest.fixture
def record_measurement(
    request: pytest.FixtureRequest, record_measurement: Record, workload: Workload
) -> Record:
    """Extend the plugin's `record_measurement`: also note the suite's inputs in the test's properties."""
    request.node.user_properties.append(("inputs", workload.inputs_are))
    return record_measurement
