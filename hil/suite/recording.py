"""Keep a run: in the store as each test ends, and in the file of --results at its end.

A store that cannot be used ends no run. A run for a server is then kept on this machine and sent later; any
other is kept in a file, which `hil results import` reads.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil.errors import ResultsError
from hil.options import NO_STORE, read
from hil.results import file
from hil.results.limit import Limit
from hil.results.measurement import INFRASTRUCTURE_ERRORS, measurement_of
from hil.results.run import FAILED, INTERRUPTED, PASSED, BoardIdentity, TestOutcome, now
from hil.suite.ending import Ending, Place
from hil.suite.outcomes import Outcomes
from hil.suite.run_facts import run_of
from reds.commands import missing_extra

if TYPE_CHECKING:
    from hil.suite.kept_run import KeptRun

Rows = Sequence[Mapping[str, Any]]
"""Plain measurements."""


class Recorder:
    """Keeps one run, from the first report of a board's test to its end.

    Attributes:
        notes: Lines for the terminal.
    """

    def __init__(self, config: pytest.Config, started: float) -> None:
        """Begin the run in the store, unless --store is `none`.

        Args:
            config: The session's.
            started: Time of the session's start, in seconds since 1970.
        """
        self.notes: list[str] = []
        self._settings = read(config)
        self._folder = config.invocation_params.dir
        self._run = run_of(config, self._settings, started)
        self._outcomes = Outcomes()
        self._boards: dict[BoardIdentity, None] = {}
        self._tests: dict[str, TestOutcome] = {}
        self._limits: dict[tuple[str, ...], Limit] = {}
        self._kept: KeptRun | None = None
        self._missing = ""
        """The package that every store needs and that is not installed, with its remedy."""
        if self._settings.store != NO_STORE:
            try:
                from hil.suite import kept_run  # here: a run that keeps nothing needs no database

                self._kept = kept_run.KeptRun(self._settings.store, self._run)
            except ModuleNotFoundError as error:
                self._missing = missing_extra(error) or str(error)

    @property
    def tests(self) -> Sequence[TestOutcome]:
        """Return the outcomes of the tests that are reported so far."""
        return tuple(self._tests.values())

    def reported(self, report: pytest.TestReport) -> None:
        """Keep what a report of a board's test says."""
        measured: Rows = report.hil  # `hil.suite.reporting` sets these
        told: Mapping[str, str] | None = report.hil_board
        board = BoardIdentity(**told) if told else None
        if board:
            self._boards[board] = None
        held = [Limit(**plain) for plain in report.hil_limits]
        self._limits |= {limit.figure: limit for limit in held}
        test = self._outcomes.add(report, bool(measured))
        if test is None:
            return
        self._tests[test.test] = test
        if self._kept:
            self._kept.test_ended(test, board, [measurement_of(row) for row in measured], held)

    def end(self, ended: bool, failed: bool, rows: Rows) -> bool:
        """Keep how the run ended, and write the results file. Return whether all was kept that was to be.

        A default store that cannot be opened, as in a container without a home, is a note: nobody asked.

        Args:
            ended: Whether the run reached its last test.
            failed: Whether anything failed.
            rows: The measurements, in the order of the tests.
        """
        status = INTERRUPTED if not ended else FAILED if failed else PASSED
        run = replace(self._run, status=status, ended=now(), provenances=_provenances(rows))
        ending = self._kept.end(status) if self._kept else Ending(Place.NOWHERE, (), self._missing)
        self.notes += ending.notes
        if self._kept and ending.place is not Place.NOWHERE:
            run = replace(run, ended=self._kept.run.ended)
        tests, limits = tuple(self._tests.values()), tuple(self._limits.values())
        header = file.Header(run, tuple(self._boards), tests, limits)
        kept = self._write_results(ended, rows, header)
        if ending.place is not Place.NOWHERE or not ending.fault:
            return not ending.fault and bool(kept)
        if not self._settings.store and not (self._kept and self._kept.opened):
            self.notes.append(f"{ending.fault}; this run is not kept: name a store with --store, or `none`")
            return bool(kept)
        where = f"it is in {kept}" if isinstance(kept, Path) else self._keep_aside(rows, header)
        self.notes.append(f"ERROR: {ending.fault}; this run is not in the store: {where}")
        return False

    def _write_results(self, ended: bool, rows: Rows, header: file.Header) -> Path | bool:
        """Write the file of --results and return its path, False if it cannot be written.

        An earlier file stays if this run measured nothing or did not end: True.
        """
        path = self._settings.results
        if path is None:
            return True
        if not ended or all(row["metric"] == INFRASTRUCTURE_ERRORS for row in rows):
            why = "nothing was measured" if ended else "the run did not end"
            self.notes.append(f"results: {why}, so {path} was not written")
            return True
        try:
            file.write(path, rows, header)
        except ResultsError as error:
            self.notes.append(f"ERROR: {error}")
            return False
        self.notes.append(f"results: {path}")
        return path

    def _keep_aside(self, rows: Rows, header: file.Header) -> str:
        """Write the run to a file of its own, and say where it is."""
        said = ""
        for folder in (self._folder, Path(tempfile.gettempdir())):
            path = folder / f"{self._run.id}.jsonl"
            try:
                file.write(path, rows, header)
                return f"keep it with `hil results import {path}`"
            except ResultsError as error:
                said = f"it is lost, as no file can be written: {error}"
        return said


def _provenances(rows: Rows) -> tuple[str, ...]:
    return tuple(sorted({str(row["provenance"]) for row in rows}))
