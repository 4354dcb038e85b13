"""Plug hil into pytest: options, fixtures and hooks, without effect until a test uses one of the fixtures."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from hil.suite import option_names

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from hil.suite.recording import Recorder

_SHOWN = {
    "inputs": "inputs",
    "baseline": "baseline",
    "against": "against",
    "precision": "precision",
    "samples": "samples",
    "replay": "replay",
    "limits": "limits",
    "kernels": "kernels",
    "recovered": "recovered",
    "quarantined": "ERROR",
}
"""First words of the lines below the table, by the property of tests that holds the rest of the line."""
QUARANTINED = 75
"""Exit status of a run in which nothing failed but boards, EX_TEMPFAIL of sysexits.h."""
pytest_plugins = ("hil.suite.board_tests", "hil.suite.reporting", "hil.suite.fixtures")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the long names and the ini options."""
    option_names.register_long(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, Any, Any]:
    """Register the short names that no other plugin has, and take each --trace that has a value."""
    result = yield
    option_names.register_short(early_config, parser)
    if "--trace" in args:
        option_names.take_traces(args)
    return result


def pytest_configure(config: pytest.Config) -> None:
    """Let `hil` name this package where no folder does, and register the collector of results.

    Under xdist only the controlling process has a collector.
    """
    if "hil" in config.args and not (config.invocation_params.dir / "hil").exists():
        config.option.pyargs = True
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(config), "reds-hil-collector")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give xdist's workers a shared folder, so that each board is probed once."""
    from hil.xdist import board_probe

    board_probe.share(node)


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_make_scheduler(config: pytest.Config) -> Generator[None, Any, Any]:
    """Schedule each board's tests on one worker; leave sessions without boards to xdist's own scheduler."""
    usual = yield
    from hil.xdist.scheduler import Chooser

    return Chooser(config, usual)


def pytest_report_header(config: pytest.Config) -> str | None:
    """List the options that need their long names."""
    return option_names.header(config)


class Collector:
    """A collector of the measurements in the tests' reports, which prints and keeps them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._recorder: Recorder | None = None
        """Keeps the run from the first report of a board's test."""
        self._started = time.time()
        self._reports: list[pytest.TestReport] = []
        self._order: dict[str, int] = {}
        self._notes: list[str] = []
        self._lost = 0
        """Reports of boards that were quarantined."""

    @pytest.hookimpl(tryfirst=True)  # what the terminal says has passed is kept already
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the report of a board's test. Its attribute `hil` holds the measurements."""
        if hasattr(report, "hil"):
            self._reports.append(report)
            self._lost += report.quarantined
            if self._recorder is None:
                from hil.suite.recording import Recorder  # here: other sessions keep nothing

                self._recorder = Recorder(self._config, self._started)
            self._recorder.reported(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note the order of collection, as tests end in any order under xdist."""
        self._order = {test: place for place, test in enumerate(ids)}

    @property
    def _rows(self) -> list[dict[str, Any]]:
        reports = sorted(self._reports, key=lambda report: self._order.get(report.nodeid, 0))
        return [row for report in reports for row in report.hil]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Note in the store how the run ended, and write the results file.

        The exit status says whether all errors are quarantines of boards.
        """
        if exitstatus == pytest.ExitCode.TESTS_FAILED and session.testsfailed == self._lost:
            session.exitstatus = QUARANTINED
        if self._recorder is None:
            return
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        ended = ended and not (session.shouldfail or session.shouldstop)  # by -x or --maxfail
        failed = exitstatus != pytest.ExitCode.OK
        kept = self._recorder.end(ended, failed, self._rows)
        self._notes += self._recorder.notes
        if not kept and session.exitstatus in (pytest.ExitCode.OK, QUARANTINED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print the figures of each board."""
        if self._rows or self._notes:
            from hil.results import blocks
            from hil.results.limit import Limit

            properties = [pair for report in self._reports for pair in report.user_properties]
            noted = {f"{_SHOWN[name]}: {value}" for name, value in properties if name in _SHOWN}
            terminalreporter.section("reds-hil")
            limits = [Limit(**plain) for report in self._reports for plain in report.hil_limits]
            ended = blocks.counted(self._recorder.tests if self._recorder else ())
            notes = [*sorted(noted), *self._notes]
            terminalreporter.write(blocks.render(self._rows, notes, limits, ended))
