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


class Writer:
    """Writes one run. Every method may raise `StoreError`; what it was told is then not kept."""

    def __init__(self, transaction: Transaction, run: Run) -> None:
        """Keep the run, which has measured nothing yet."""
        self._transaction = transaction
        self.run = run
        with transaction() as connection:
            row = rows.pack_row(run.pack) if run.pack else None
            pack_id = _id(connection, packs, row, ["digest"]) if row else None
            connection.execute(insert(runs).values(rows.run_row(run, pack_id)))

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
            self.keep(connection, board, measured)

    def keep(
        self, connection: Connection, board: BoardIdentity | None, measured: Sequence[Measurement]
    ) -> None:
        """Insert measurements in an open transaction, and their provenances into the run."""
        if not measured:
            return
        found: dict[BoardIdentity, int] = {}
        for measurement in measured:
            who = identity(measurement, board)
            if who not in found:
                found[who] = _id(connection, boards, rows.board_row(who), rows.BOARD)
        inserted = [
            rows.measurement_row(self.run.id, found[identity(measurement, board)], measurement)
            for measurement in measured
        ]
        connection.execute(insert(measurements), inserted)
        seen = sorted({*self.run.provenances, *(m.provenance for m in measured)})
        if tuple(seen) != self.run.provenances:
            self._set(connection, provenances=tuple(seen))

    def end(self, status: str) -> None:
        """Keep how the run ended, one of `hil.results.run.STATUSES`."""
        with self._transaction() as connection:
            self._set(connection, status=status, ended=now())

    def _set(self, connection: Connection, **changed: Any) -> None:
        run = replace(self.run, **changed)
        row = rows.run_row(run, None)
        connection.execute(update(runs).where(runs.c.id == run.id).values({key: row[key] for key in changed}))
        self.run = run


def identity(measurement: Measurement, board: BoardIdentity | None) -> BoardIdentity:
    """Return the board of a measurement: the given one, or what the measurement says of another."""
    who = measurement.target, measurement.board, measurement.provenance
    if board and who == (board.target, board.board, board.provenance):
        return board
    return BoardIdentity(*who)


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
