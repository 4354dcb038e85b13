"""Derive the outcome of a test from its reports, one each for its setup, its call and its teardown."""

import pytest

from hil.results.run import TestOutcome
from reds.text import LINE, printable


class Outcomes:
    """The outcomes of the tests of a run, as far as they are reported."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._ended: dict[str, TestOutcome] = {}

    def add(self, report: pytest.TestReport, measured: bool) -> TestOutcome | None:
        """Return the outcome of the test of a report; None if the report changes nothing.

        Args:
            report: The report of one phase of a test.
            measured: Whether the phase measured, so that there is something to keep.
        """
        seconds = self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.passed and report.when != "call":
            return self._ended.get(report.nodeid) if measured else None
        facts = dict(report.user_properties)
        who = [printable(str(facts.get(key, ""))) for key in ("target", "board", "provenance")]
        ended = TestOutcome(printable(report.nodeid, LINE), _word(report), seconds, _why(report), *who)
        self._ended[report.nodeid] = ended
        return ended


def _word(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when != "call":
        return "error"
    return str(report.outcome)


def _why(report: pytest.TestReport) -> str:
    """Return the reason of an outcome in one line, empty if it passed."""
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):
        return printable(report.longrepr[2].removeprefix("Skipped: "), LINE)
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else report.longreprtext
    return printable((text.strip().splitlines() or [""])[0], LINE)
