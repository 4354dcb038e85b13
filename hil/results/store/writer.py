"""Write a run as it goes: what a test measured is kept, with its outcome, in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, Run, TestOutcome, now
from hil.results.store import rows
from hil.results.store.schema import boards, measurements, packs, runs, tests

Transaction = Callable[[], AbstractContextManager[Connection]]
"""Opens a transaction that writes, and commits it at the end of the block."""
Named = tuple[str, str, str]
"""Target, name and provenance of a board."""


class Writer:
    """Writes one run. Every method may raise `StoreError`; what it was told is then not kept."""

    def __init__(self, transaction: Transaction, run: Run) -> None:
        """Keep the run, which has measured nothing yet."""
        self._transaction = transaction
        self.run = run
        with transaction() as connection:
            insert_run(connection, run)

    def test_ended(
        self, test: TestOutcome, board: BoardIdentity | None, measured: Sequence[Measurement]
    ) -> None:
        """Keep the outcome of a test and what it measured, all or nothing.

        Args:
            test: The outcome. It replaces an earlier one of the same test, such as before its teardown.
            board: The board of the measurements; None if the test started none.
            measured: The measurements, which are added to those kept already.
        """
        row = rows.test_row(self.run.id, test)
        with self._transaction() as connection:
            same = (tests.c.run_id == self.run.id) & (tests.c.test == test.test)
            if not connection.execute(update(tests).where(same).values(row)).rowcount:
                connection.execute(insert(tests).values(row))
            if not measured:
                return
            known = {(board.target, board.board, board.provenance): board} if board else {}
            insert_measurements(connection, self.run.id, known, measured)
            seen = tuple(sorted({*self.run.provenances, *(m.provenance for m in measured)}))
            if seen != self.run.provenances:
                self._set(connection, provenances=seen)

    def end(self, status: str) -> None:
        """Keep how the run ended, one of `hil.results.run.STATUSES`."""
        with self._transaction() as connection:
            self._set(connection, status=status, ended=now())

    def _set(self, connection: Connection, **changed: Any) -> None:
        run = replace(self.run, **changed)
        row = rows.run_row(run, None)
        connection.execute(update(runs).where(runs.c.id == run.id).values({key: row[key] for key in changed}))
        self.run = run


def insert_run(connection: Connection, run: Run) -> None:
    """Insert a run and its pack in an open transaction."""
    row = rows.pack_row(run.pack) if run.pack else None
    pack_id = _id(connection, packs, row, ["digest"]) if row else None
    connection.execute(insert(runs).values(rows.run_row(run, pack_id)))


def insert_measurements(
    connection: Connection, run_id: str, known: Mapping[Named, BoardIdentity], measured: Sequence[Measurement]
) -> None:
    """Insert measurements in an open transaction.

    Args:
        connection: The transaction.
        run_id: Their run.
        known: The boards by target, name and provenance; of another board only these are kept.
        measured: The measurements.
    """
    found: dict[Named, int] = {}
    for measurement in measured:
        named = measurement.target, measurement.board, measurement.provenance
        if named not in found:
            row = rows.board_row(known.get(named) or BoardIdentity(*named))
            found[named] = _id(connection, boards, row, rows.BOARD)
    if measured:
        connection.execute(
            insert(measurements),
            [rows.measurement_row(run_id, found[m.target, m.board, m.provenance], m) for m in measured],
        )


def _id(connection: Connection, table: Table, row: Mapping[str, Any], once: Iterable[str]) -> int:
    """Return the id of the row with the same values in the columns `once`; insert it if there is none."""
    same = [table.c[key] == row[key] for key in once]
    query = select(table.c.id).where(*same)
    found = connection.execute(query).scalar()
    if found is None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).values(row).on_conflict_do_nothing())
        found = connection.execute(query).scalar_one()
    return int(found)
