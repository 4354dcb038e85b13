"""Fixtures of figures: the measurements of a board on the pack, each taken once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from hil.boards.open_board import OpenBoard
from hil.energy.figures import Energy
from hil.errors import NotMeasurable, StoreError
from hil.results.gate.baseline import Baseline
from hil.results.memory import Memory
from hil.results.profile import Profile
from hil.results.progress import progress
from hil.suite.fixtures import Uncaptured
from hil.suite.leased import LeasedBoard
from hil.suite.measurements import Latency, Measurements, Precision, Switches
from hil.suite.parametrization import BenchRun
from hil.suite.reporting import CURRENT, kept_for
from hil.suite.switch_pairs import Pair
from reds.pack.kernel_use import PORTABLE, kernel_lines
from reds.pack.pack import Pack


@pytest.fixture(scope="session")
def _measurements(
    pytestconfig: pytest.Config,
    board: OpenBoard,
    pack: Pack,
    _hil_board: LeasedBoard,
    _hil_run: BenchRun,
    _hil_uncaptured: Uncaptured,
    _baseline: Baseline | StoreError | None,
) -> Measurements:
    """Deploy the pack on a board, and return the board's measurements.

    The baseline is found before, so that another board's is an error before the bench.
    """
    what = f"{board.name}: storing {pack.model.name}"
    with (
        kept_for(pytestconfig, _hil_board.selected),
        progress(what, _hil_run.workload.size, _hil_uncaptured) as advance,
    ):
        board.deploy(pack, advance=advance)
    for line in kernel_lines(pack.model, _hil_board.do(lambda held: held.known_layouts)):
        if line.startswith(PORTABLE):
            pytestconfig.stash[CURRENT].user_properties.append(("kernels", f"{board.name}: {line}"))
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
