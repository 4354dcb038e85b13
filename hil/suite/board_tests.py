"""Run each test that uses the fixture `board` once for each board, in the suite or in a user's folder.

Every pytest session loads this module. So it imports large modules only when a test uses a fixture of hil.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hil.suite.board_selection import SelectedBoard
    from hil.suite.parametrization import BenchRun

BOARD, SUBNET = "_hil_board", "_hil_subnet"
"""Parametrized fixtures. Tests reach them through `board` and `subnet`, so a user's names cannot collide."""
SUITE = Path(__file__).resolve().parent


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
    run = bench_run_or_error(metafunc.config)
    for name in wanted:
        if isinstance(run, str):
            metafunc.parametrize(name, [])
        elif name == BOARD:
            boards = [pytest.param(board, id=board.id) for board in run.boards]
            metafunc.parametrize(name, boards, indirect=True, scope="session")
        else:
            metafunc.parametrize(name, run.benched.subnets, indirect=True)


@pytest.hookimpl(trylast=True)  # after -k and -m have deselected tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run if it cannot be set up. Under xdist only the controlling process ends the run."""
    if _any_parametrized(items) and not hasattr(config, "workerinput"):
        run = bench_run_or_error(config)
        if isinstance(run, str):
            raise pytest.UsageError(run)


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """List the boards of the run after collection."""
    run = bench_run_or_error(config) if _any_parametrized(items) else ""
    return [] if isinstance(run, str) else run.lines


@pytest.hookimpl(tryfirst=True)  # before xdist sends the collection
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell xdist's controlling process the board of each test."""
    if not (hasattr(session.config, "workerinput") and _any_parametrized(session.items)):
        return
    from hil.xdist.plan import Plan, write

    run = bench_run_or_error(session.config)
    boards = {item.nodeid: selected_board(item) for item in session.items}
    tests = {test: (board.id, board.entry.target) for test, board in boards.items() if board}
    write(session.config, Plan({}, [], run) if isinstance(run, str) else Plan(tests, run.lines))


def selected_board(item: pytest.Item) -> SelectedBoard | None:
    """Return the board that a test runs on, or None for a test without a board."""
    board = _parameters(item).get(BOARD)
    return board if hasattr(board, "entry") else None  # a run that cannot be set up has no boards


def _parameters(item: pytest.Item) -> Mapping[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def _any_parametrized(items: Sequence[pytest.Item]) -> bool:
    return any({BOARD, SUBNET} & _parameters(item).keys() for item in items)


def bench_run_or_error(config: pytest.Config) -> BenchRun | str:
    """Set up the run of a session once; return an error text if that is impossible."""
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
