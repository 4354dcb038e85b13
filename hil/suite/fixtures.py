"""Provide the fixtures of the pytest plugin. None has an effect until a test uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pytest

from hil.errors import SetupError
from hil.suite.board_tests import BOARD, SUBNET
from hil.suite.reporting import CURRENT, LEASED, RECORDS, TAKEN, kept_for, note_incident

if TYPE_CHECKING:
    from hil.boards.open_board import OpenBoard
    from hil.results.run import PackFacts
    from hil.results.samples import Samples
    from hil.suite.board_selection import SelectedBoard
    from hil.suite.leased import LeasedBoard
    from hil.suite.parametrization import BenchRun
    from reds.pack.pack import Pack

Uncaptured = Callable[[], AbstractContextManager[None]]
"""Context manager that lets output through pytest's capturing."""
Keep = Callable[[str, str, float, Sequence[float]], None]
"""A function that keeps a figure of a `.tflite` file: metric, unit, value, samples."""
Note = Callable[[str, str], None]
"""A function that keeps a text in a test's properties: its name, and the text."""


class Hold(Protocol):
    """A function that holds a figure of the board under test to a limit, and returns whether it is kept."""

    def __call__(
        self, subnet: str, metric: str, unit: str, limit: float, kept: bool, least: bool = False
    ) -> bool:
        """Keep a limit for the summary table and in JUnit's properties; return `kept`.

        Args:
            subnet: Name of a subnet, or of an ordered pair as `25%->100%`.
            metric: Name of the metric.
            unit: Unit of the limit.
            limit: The limit.
            kept: Whether the figure keeps it.
            least: Whether the figure must not be below it, as an accuracy.
        """
        ...


class Record(Protocol):
    """A function that keeps a measurement of the board under test."""

    def __call__(
        self, subnet: str, metric: str, unit: str, value: float, samples: Iterable[float] = ()
    ) -> None:
        """Keep a measurement in the summary table, in the results file and in JUnit's properties.

        Args:
            subnet: Name of a subnet, or of an ordered pair as `25%->100%`.
            metric: Name of the metric, as `energy`.
            unit: Unit of the value and the samples.
            value: The figure.
            samples: The values that the figure summarizes.
        """
        ...


@pytest.fixture(scope="session")
def board(request: pytest.FixtureRequest, _hil_board: LeasedBoard) -> OpenBoard:
    """Return an open board: `board.deploy(pack)`, `board.measure("25%", n=20)`, `board.infer(x)`.

    The test runs once for each board that --target, --emulate, --missing and --boards choose. By default an
    absent board fails the test if --target names it; otherwise the test is skipped with the reason. The
    board is leased and stays open for the whole session. If it is lost, it is brought back once, and the
    interrupted call is made again. Each measurement is kept with its provenance in the summary table, in the
    file of --results and in JUnit's properties.
    """
    from hil.boards.open_board import OpenBoard
    from hil.results.measurement import metric_name

    def observe(pack: Pack, subnet: str, what: str, samples: Samples) -> None:
        metric, unit = metric_name(what, samples.unit), samples.unit
        value = samples.worst if what == "switch" else samples.median
        _hil_board.measured = True
        keep(
            request.config.stash[CURRENT],
            _hil_board,
            facts_of(pack),
            subnet,
            metric,
            unit,
            value,
            samples.values,
        )

    return OpenBoard(_hil_board, observe)


@pytest.fixture(scope="session")
def pack(pytestconfig: pytest.Config) -> Pack:
    """Return the pack of --pack, by default the shipped kws-dnn-s."""
    from hil.errors import HilError
    from hil.options import read
    from hil.suite.parametrization import BENCH_RUN
    from hil.suite.workload import shipped
    from reds.errors import RedsError
    from reds.pack.pack import load_pack

    run = pytestconfig.stash.get(BENCH_RUN, None)
    try:
        if run is not None and not isinstance(run, str):  # a test without a board and a subnet sets up no run
            return run.workload.pack
        return load_pack(read(pytestconfig).pack or shipped())
    except (HilError, RedsError) as error:
        reason = str(error)
    pytest.fail(reason, pytrace=False)  # outside `except`: pytest would also show the caught error


@pytest.fixture
def subnet(_hil_subnet: str) -> str:
    """Return the name of a subnet, as `25%`; the test runs once for each subnet of --pack."""
    return _hil_subnet


@pytest.fixture
def record_measurement(request: pytest.FixtureRequest, board: OpenBoard, _hil_board: LeasedBoard) -> Record:
    """Keep a figure of your own: `record_measurement("25%", "energy", "uJ", value, samples)`.

    The figure is kept as those of `board.measure` are: in the summary table, in the file of --results and in
    JUnit's properties.
    """

    def record(subnet: str, metric: str, unit: str, value: float, samples: Iterable[float] = ()) -> None:
        keep(request.node, _hil_board, facts_of(board.pack), subnet, metric, unit, value, samples)

    return record


def facts_of(pack: Pack) -> PackFacts:
    """Return the facts of a pack that each of its measurements holds."""
    from hil.results.pack_shape import pack_shape
    from hil.results.run import PackFacts

    return PackFacts(pack.model.name, pack.sha256, pack_shape(pack.model))


def keep(
    test: pytest.Item,
    on: LeasedBoard,
    of: PackFacts,
    subnet: str,
    metric: str,
    unit: str,
    value: float,
    samples: Iterable[float],
) -> None:
    """Keep a figure in the reports of a test.

    Args:
        test: The test.
        on: The board that was measured.
        of: The pack or the file that is benched.
        subnet: Name of a subnet, or of an ordered pair as `25%->100%`.
        metric: Name of the metric.
        unit: Unit of the value and the samples.
        value: The figure.
        samples: The values that the figure summarizes.
    """
    taken = on.measurement(of, subnet, metric, unit, value, samples)
    test.stash.setdefault(TAKEN, []).append(taken)
    test.user_properties.append((f"{subnet} {metric} [{unit}]", value))


@pytest.fixture(scope="session")
def _hil_run(pytestconfig: pytest.Config) -> BenchRun:
    """Return the settings, boards and workload of this run."""
    from hil.suite.parametrization import bench_run_of

    run = bench_run_of(pytestconfig)
    assert not isinstance(run, str)  # collection ends a run that cannot be set up
    return run


@pytest.fixture(scope="session")
def _hil_uncaptured(pytestconfig: pytest.Config) -> Uncaptured:
    """Return a context manager that lets a progress bar through pytest's capturing."""
    manager = pytestconfig.pluginmanager.getplugin("capturemanager")
    return manager.global_and_fixture_disabled if manager else nullcontext


@pytest.fixture(scope="session", name=BOARD)
def _board(
    request: pytest.FixtureRequest, _hil_run: BenchRun, _hil_uncaptured: Uncaptured
) -> Iterator[LeasedBoard]:
    """Start a board of this run; skip the test if the board is absent."""
    from hil.boards.recovery import Record
    from hil.results.progress import progress
    from hil.suite.leased import leased

    selected: SelectedBoard = request.param
    with kept_for(request.config, selected):
        here = on_labgrid_target(selected, request, _hil_run.settings.missing)
    record = request.config.stash.setdefault(RECORDS, {}).setdefault(selected, Record())

    def recovered(text: str) -> None:
        note_incident(request.config.stash[CURRENT], selected, "recovered", text, 1)

    wait = _hil_run.settings.lease_wait
    with ExitStack() as stack:
        starts = f"{selected.entry.name}: starting; its agent is built first, if that is new"
        with kept_for(request.config, selected), progress(starts, None, _hil_uncaptured):
            board = stack.enter_context(leased(here, wait, _hil_uncaptured, record, recovered))
        request.config.stash.setdefault(LEASED, {})[selected] = board.selected
        yield board


def on_labgrid_target(
    selected: SelectedBoard, request: pytest.FixtureRequest, missing: str | None
) -> SelectedBoard:
    """Return a board, and with --lab target that of the fixture `target` of labgrid's plugin.

    Args:
        selected: The board.
        request: Knows the fixtures of the test.
        missing: Value of --missing. Only with `skip` is a test skipped because labgrid has no target.

    Raises:
        SetupError: labgrid's plugin is not installed, or has no target.
    """
    from hil.lab.guest import Guest

    if not isinstance(selected.offer, Guest):
        return selected
    if not request.config.pluginmanager.hasplugin("labgrid"):
        lacks = "--lab is target, but labgrid's pytest plugin is not installed here"
        raise SetupError(f"{lacks}; pip install labgrid, or name the coordinator as --lab HOST:PORT")
    try:
        there = request.getfixturevalue("target")
    except pytest.skip.Exception as skipped:
        if missing == "skip":
            raise
        lacks = f"--lab is target, but labgrid's pytest plugin has none: {skipped.msg}"
        raise SetupError(f"{lacks}; name its file by --lg-env, or add --missing=skip") from None
    return replace(selected, offer=replace(selected.offer, there=lambda: there))


@pytest.fixture(name=SUBNET)
def _subnet(request: pytest.FixtureRequest) -> str:
    """Return the name of a subnet of this run's pack."""
    return str(request.param)
