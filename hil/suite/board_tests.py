"""Run each test that uses the fixture `board` once for each board, in the suite or in a user's folder.

Every pytest session loads this module. So it imports large modules only when a test uses a fixture of hil.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil.errors import BoardQuarantined, HilError, LinkError, UnfitError

if TYPE_CHECKING:
    from hil.boards.recovery import Record
    from hil.results.store import Measurement
    from hil.suite.board_selection import SelectedBoard
    from hil.suite.parametrization import BenchRun

BOARD, SUBNET = "_hil_board", "_hil_subnet"
"""Parametrized fixtures. Tests reach them through `board` and `subnet`, so a user's names cannot collide."""
SET_UP = (BOARD, "_measurements")
"""Fixtures that are set up once for each board. If one fails, the board's other tests are skipped."""
SUITE = Path(__file__).resolve().parent
TAKEN = pytest.StashKey[list["Measurement"]]()
"""Measurements of a test."""
CURRENT = pytest.StashKey[pytest.Item]()
"""The test that is running."""
GONE = pytest.StashKey[dict["SelectedBoard", HilError]]()
"""Boards that did not start or were lost, each with its error."""
RECORDS = pytest.StashKey[dict["SelectedBoard", "Record"]]()
"""What happened to each board that was started."""


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> None:
    """Name the extra to install before the suite's modules fail to import."""
    if path == SUITE:
        from reds.commands import uninstalled

        if missing := uninstalled("hil"):
            raise parent.CollectError(missing)


@pytest.hookimpl(tryfirst=True)  # so that ids begin with the board
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each board if it uses `board`, and for each subnet if it uses `subnet`."""
    wanted = [name for name in (BOARD, SUBNET) if name in metafunc.fixturenames]
    if not wanted:
        return
    run = _bench_run(metafunc.config)
    for name in wanted:
        if isinstance(run, str):
            metafunc.parametrize(name, [])
        elif name == BOARD:
            boards = [pytest.param(board, id=board.id) for board in run.boards]
            metafunc.parametrize(name, boards, indirect=True, scope="session")
        else:
            metafunc.parametrize(name, run.workload.subnets, indirect=True)


@pytest.hookimpl(trylast=True)  # after -k and -m have deselected tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run if it cannot be set up. Under xdist only the controlling process ends the run."""
    if _any_parametrized(items) and not hasattr(config, "workerinput"):
        run = _bench_run(config)
        if isinstance(run, str):
            raise pytest.UsageError(run)


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """List the boards of the run after collection."""
    run = _bench_run(config) if _any_parametrized(items) else ""
    return [] if isinstance(run, str) else run.lines


@pytest.hookimpl(tryfirst=True)  # before xdist sends the collection
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell xdist's controlling process the board of each test."""
    if not (hasattr(session.config, "workerinput") and _any_parametrized(session.items)):
        return
    from hil.xdist.plan import Plan, write

    run = _bench_run(session.config)
    boards = {item.nodeid: selected_board(item) for item in session.items}
    tests = {test: (board.id, board.entry.target) for test, board in boards.items() if board}
    write(session.config, Plan({}, [], run) if isinstance(run, str) else Plan(tests, run.lines))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the tests of a board that was lost, so that each loss is one error."""
    item.config.stash[CURRENT] = item
    board = selected_board(item)
    if board is None:
        return
    item.user_properties += board.properties
    if error := item.config.stash.get(GONE, {}).get(board):
        if isinstance(error, BoardQuarantined):
            item.user_properties.append(("quarantined", str(error)))
        pytest.skip(f"not run: {error}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach measurements to the report of a board's test, and show a `HilError` without a traceback.

    The quarantine of a board is an error wherever it happens, never a failure of the test that it ends.
    """
    board, error = selected_board(item), call.excinfo.value if call.excinfo else None
    quarantined = board is not None and isinstance(error, BoardQuarantined)
    if board and quarantined and board not in item.config.stash.get(GONE, {}):
        note_incident(item, board, "quarantined", str(error), 2)
    report = yield
    if board is None:
        return report
    if call.excinfo and isinstance(error, HilError):
        lines = [entry.lineno + 1 for entry in call.excinfo.traceback if entry.path == item.path]
        report.longrepr = "".join([*(f"{item.path.name}:{line}: " for line in lines[-1:]), str(error)])
        names, made = getattr(item, "fixturenames", ()), getattr(item, "funcargs", ())
        started = all(name in made for name in SET_UP if name in names)
        if not started or isinstance(error, LinkError | UnfitError):
            item.config.stash.setdefault(GONE, {}).setdefault(board, error)
    if quarantined and report.when == "call":
        report.when = "setup"  # a report that fails in any phase but the call is an error, here and in JUnit
    report.quarantined = quarantined  # type: ignore[attr-defined]  # reports carry extras to xdist
    report.hil = [m.plain() for m in item.stash.get(TAKEN, [])]  # type: ignore[attr-defined]
    item.stash[TAKEN] = []
    return report


def note_incident(test: pytest.Item, board: SelectedBoard, what: str, text: str, errors: int) -> None:
    """Keep in JUnit's properties and among the measurements that a board was recovered or quarantined.

    Args:
        test: The test in which it happened.
        board: The board.
        what: `recovered` or `quarantined`.
        text: The error, and what was done.
        errors: Infrastructure errors of the board so far.
    """
    from hil.results.store import INFRASTRUCTURE_ERRORS, Measurement

    run = _bench_run(test.config)
    assert not isinstance(run, str)  # a board of a run was started
    pack, where = run.workload.pack, (board.entry.target, board.entry.name, str(board.provenance))
    figure = Measurement(
        *where, pack.model.name, pack.sha256, "all", INFRASTRUCTURE_ERRORS, "count", errors, ()
    )
    test.stash.setdefault(TAKEN, []).append(figure)
    test.user_properties.append((what, text))


def selected_board(item: pytest.Item) -> SelectedBoard | None:
    """Return the board that a test runs on, or None for a test without a board."""
    board = _parameters(item).get(BOARD)
    return board if hasattr(board, "entry") else None  # a run that cannot be set up has no boards


def _parameters(item: pytest.Item) -> Mapping[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def _any_parametrized(items: Sequence[pytest.Item]) -> bool:
    return any({BOARD, SUBNET} & _parameters(item).keys() for item in items)


def _bench_run(config: pytest.Config) -> BenchRun | str:
    try:
        from hil.suite.parametrization import (
            bench_run_of,
        )  # here: it loads numpy, which other sessions need not

        return bench_run_of(config)
    except ModuleNotFoundError as error:
        from reds.commands import missing_extra

        if (advice := missing_extra(error)) is None:
            raise
        return advice
