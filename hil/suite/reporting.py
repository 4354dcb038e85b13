"""Report what happens to the boards of a run: their measurements, their loss, their recovery.

Every pytest session loads this module. So it imports large modules only when a test uses a fixture of hil.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from hil.errors import BoardQuarantined, HilError, UnfitError
from hil.suite import defects
from hil.suite.board_tests import BOARD, bench_run_or_error, selected_board

if TYPE_CHECKING:
    from hil.boards.recovery import Record
    from hil.results.limit import Limit
    from hil.results.measurement import Measurement
    from hil.suite.board_selection import SelectedBoard
    from hil.suite.leased import LeasedBoard

TAKEN = pytest.StashKey[list["Measurement"]]()
"""Measurements of a test."""
LIMITS = pytest.StashKey[list["Limit"]]()
"""Limits that a test held figures to."""
CURRENT = pytest.StashKey[pytest.Item]()
"""The test that is running."""
GONE = pytest.StashKey[dict["SelectedBoard", str]]()
"""Boards that did not start or were lost, each with the text of its error."""
RECORDS = pytest.StashKey[dict["SelectedBoard", "Record"]]()
"""Infrastructure errors of each board that was started."""
LEASED = pytest.StashKey[dict["SelectedBoard", "SelectedBoard"]]()
"""Leased board of each board of the run; a place of a lab has a name of its own."""
REPORTED = pytest.StashKey[set["SelectedBoard"]]()
"""Boards whose quarantine is reported."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the tests of a board that was lost, so that each loss is one error."""
    item.config.stash[CURRENT] = item
    board = selected_board(item)
    if board is None:
        return
    item.user_properties += board.properties
    if error := item.config.stash.get(GONE, {}).get(board):
        if (record := item.config.stash.get(RECORDS, {}).get(board)) and record.quarantined:
            item.user_properties.append(("quarantined", error))
        pytest.skip(f"not run: {error}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note the conditions of the board once after each test that measured, however often it did."""
    held: LeasedBoard | None = getattr(item, "funcargs", {}).get(BOARD)
    if held is None or selected_board(item) is None:
        return (yield)
    try:
        result = yield
    except Exception:
        with suppress(HilError):  # the failure of the test comes first
            held.look()
        raise
    held.look()
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest's own, which knows of expected failures
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach measurements to the report of a board's test, and show errors of boards without a traceback.

    The quarantine of a board is one error, never a failure, whatever the test that it ends makes of it.
    """
    board, error = selected_board(item), call.excinfo.value if call.excinfo else None
    if leased := item.config.stash.get(LEASED, {}).get(board) if board else None:
        item.user_properties = [
            ("board", leased.entry.name) if name == "board" else (name, value)
            for name, value in item.user_properties
        ]
    record = item.config.stash.get(RECORDS, {}).get(board) if board else None
    quarantine, reported = record and record.quarantined, item.config.stash.setdefault(REPORTED, set())
    new = board is not None and quarantine is not None and board not in reported
    if board and new:
        reported.add(board)
        note_incident(item, board, "quarantined", str(quarantine), 2)
    report = yield
    if board is None:
        return report
    shown = quarantine if new else error
    text = str(shown) if new or _is_expected(error) else error and defects.one_line(item, error)
    if text:
        report.longrepr = _where(item, call) + text
    if isinstance(shown, BoardQuarantined | UnfitError):
        item.config.stash.setdefault(GONE, {}).setdefault(board, str(shown))
    if new:
        _turn_into_error(report)
    elif quarantine and (report.failed or report.when == "call"):  # the rest of the test that was ended
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1] or 0, str(quarantine))
    report.quarantined = new  # type: ignore[attr-defined]  # reports carry extras to xdist
    ends = call.when != "setup" or call.excinfo
    report.hil = _taken(item) if ends else []  # type: ignore[attr-defined]
    limits = item.stash.get(LIMITS, []) if ends else []
    report.hil_limits = [limit.plain() for limit in limits]  # type: ignore[attr-defined]
    item.stash[LIMITS] = []
    held: LeasedBoard | None = getattr(item, "funcargs", {}).get(BOARD)
    report.hil_board = asdict(held.identity) if held else None  # type: ignore[attr-defined]
    return report


def _where(item: pytest.Item, call: pytest.CallInfo[None]) -> str:
    """Return the file and the line of a test at which an error left it, empty if none did."""
    lines = [e.lineno + 1 for e in call.excinfo.traceback if e.path == item.path] if call.excinfo else []
    return "".join(f"{item.path.name}:{line}: " for line in lines[-1:])


def _turn_into_error(report: pytest.TestReport) -> None:
    """Make a report that of an error, here and in JUnit, also if the test passed or was expected to fail."""
    report.outcome = "failed"
    if report.when == "call":
        report.when = "setup"  # a report that fails in any phase but the call is an error
    if hasattr(report, "wasxfail"):
        del report.wasxfail


def _taken(item: pytest.Item) -> list[dict[str, Any]]:
    """Return the measurements of a test that are not reported yet, with the conditions of its board."""
    taken, held = item.stash.get(TAKEN, []), getattr(item, "funcargs", {}).get(BOARD)
    item.stash[TAKEN] = []
    conditions = held.conditions if held else None
    return [replace(measurement, conditions=conditions).plain() for measurement in taken]


@contextmanager
def kept_for(config: pytest.Config, board: SelectedBoard) -> Iterator[None]:
    """Keep the first error of a board's set-up, so that the board's other tests are skipped."""
    try:
        yield
    except Exception as error:
        text = str(error) if _is_expected(error) else repr(error)
        leased = config.stash.get(LEASED, {}).items()
        asked = next((asked for asked, held in leased if held == board), board)
        config.stash.setdefault(GONE, {}).setdefault(asked, text)
        raise


def _is_expected(error: BaseException | None) -> bool:
    """Return whether an error is one of this project's, whose text says all."""
    from reds.errors import RedsError  # imported here: the plugin is loaded in every project

    return isinstance(error, HilError | RedsError)


def note_incident(test: pytest.Item, board: SelectedBoard, what: str, text: str, errors: int) -> None:
    """Keep in JUnit's properties and among the measurements that a board was recovered or quarantined.

    Args:
        test: The test in which it happened.
        board: The board.
        what: `recovered` or `quarantined`.
        text: The error, and what was done.
        errors: Infrastructure errors of the board so far.
    """
    from hil.results.measurement import INFRASTRUCTURE_ERRORS, Measurement
    from hil.results.pack_shape import pack_shape
    from hil.suite.workload import Workload

    run = bench_run_or_error(test.config)
    assert not isinstance(run, str)  # a board of a run was started
    board = test.config.stash.get(LEASED, {}).get(board, board)
    where = board.entry.target, board.entry.name, str(board.provenance)
    of = run.benched.name, run.benched.sha256
    figure = Measurement(*where, *of, "all", INFRASTRUCTURE_ERRORS, "count", errors, ())
    if isinstance(run.benched, Workload):
        figure = replace(figure, pack_shape=pack_shape(run.benched.model))
    test.stash.setdefault(TAKEN, []).append(figure)
    test.user_properties.append((what, text))
