"""Keep a run: in the store as each test ends, and in the file of --results at its end.

A store that cannot be used ends no run. The run is then kept in a file, which `hil results import` reads.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil.errors import ResultsError, StoreError
from hil.options import NO_STORE, read
from hil.results import file
from hil.results.measurement import INFRASTRUCTURE_ERRORS, measurement_of
from hil.results.run import FAILED, INTERRUPTED, PASSED, BoardIdentity, TestOutcome, now
from hil.suite.outcomes import Outcomes
from hil.suite.run_facts import run_of

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
        self._store, self._writer = None, None
        self._fault = ""
        """Reason for which the store lacks the run, empty if it keeps the run."""
        if self._settings.store != NO_STORE:
            try:
                from hil.results.store import open_store  # here: a run that keeps nothing needs no database

                self._store = open_store(self._settings.store)
                self._writer = self._store.begin(self._run)
            except (StoreError, ModuleNotFoundError) as error:
                self._give_up(error)

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
        test = self._outcomes.add(report, bool(measured))
        if test is None:
            return
        self._tests[test.test] = test
        if self._writer:
            try:
                self._writer.test_ended(test, board, [measurement_of(row) for row in measured])
            except StoreError as error:
                self._give_up(error)

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
        if self._store and self._writer:
            try:
                self._writer.end(status)
                run = replace(run, ended=self._writer.run.ended)
                self.notes.append(f"run: {self._run.id} in {self._store.name}")
            except StoreError as error:
                self._give_up(error)
        if self._store:
            self._store.close()
        header = file.Header(run, tuple(self._boards), tuple(self._tests.values()))
        kept = self._write_results(ended, rows, header)
        if self._fault and not self._store and not self._settings.store:
            self.notes.append(f"{self._fault}; this run is not kept: name a store with --store, or `none`")
            return bool(kept)
        if self._fault:
            where = f"it is in {kept}" if isinstance(kept, Path) else self._keep_aside(rows, header)
            self.notes.append(f"ERROR: {self._fault}; this run is not in the store: {where}")
        return not self._fault and bool(kept)

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

    def _give_up(self, error: StoreError | ModuleNotFoundError) -> None:
        """Note why the store does not have the run; the rest of the run does not try again."""
        from reds.commands import missing_extra

        self._fault = (isinstance(error, ModuleNotFoundError) and missing_extra(error)) or str(error)
        self._writer = None


def _provenances(rows: Rows) -> tuple[str, ...]:
    return tuple(sorted({str(row["provenance"]) for row in rows}))
