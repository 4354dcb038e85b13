"""Write a run as it goes: what a test measured is kept, with its outcome, in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hil.results.limit import Limit
from hil.results.measurement import FIGURE, Measurement
from hil.results.run import BoardIdentity, Run, TestOutcome, now
from hil.results.store import rows
from hil.results.store.schema import boards, limits, measurements, packs, runs, tests

Transaction = Callable[[], AbstractContextManager[Connection]]
"""Opens a transaction that writes, and commits it at the end of the block."""
Named = tuple[str, str, str]
"""Target, name and provenance of a board."""
UNUSED_LOCK = 0x72656474
"""Number of PostgreSQL's lock that writers share, and that whoever removes unused rows has alone."""


@dataclass(frozen=True)
class EndedTest:
    """A test that ended, the board that it measured, its measurements, and limits that figures were held to.

    Attributes:
        outcome: The outcome. It replaces an earlier one of the same test, such as before its teardown.
        board: The board of the measurements; None if the test started none.
        measured: The measurements, which are added to those kept already.
        held: The limits. Each replaces an earlier one of the same figure.
    """

    outcome: TestOutcome
    board: BoardIdentity | None
    measured: Sequence[Measurement]
    held: Sequence[Limit] = ()


class Writer:
    """Writes one run. Every method may raise `StoreError`; what it was told is then not kept."""

    def __init__(self, transaction: Transaction, run: Run, so_far: Iterable[EndedTest] = ()) -> None:
        """Keep the run, all or nothing.

        Args:
            transaction: Opens a transaction that writes.
            run: The run.
            so_far: Tests of it that ended before.
        """
        self._transaction = transaction
        self.run = run
        with transaction() as connection:
            insert_run(connection, run)
            for ended in so_far:
                self._insert(connection, ended)

    def test_ended(
        self,
        test: TestOutcome,
        board: BoardIdentity | None,
        measured: Sequence[Measurement],
        held: Sequence[Limit] = (),
    ) -> None:
        """Keep a test as `EndedTest` describes it, all or nothing."""
        with self._transaction() as connection:
            self._insert(connection, EndedTest(test, board, measured, held))

    def end(self, status: str) -> None:
        """Keep how the run ended, one of `hil.results.run.STATUSES`."""
        with self._transaction() as connection:
            self._set(connection, status=status, ended=now())

    def _insert(self, connection: Connection, ended: EndedTest) -> None:
        test, board, measured = ended.outcome, ended.board, ended.measured
        row = rows.test_row(self.run.id, test)
        same = (tests.c.run_id == self.run.id) & (tests.c.test == test.test)
        if not connection.execute(update(tests).where(same).values(row)).rowcount:
            connection.execute(insert(tests).values(row))
        insert_limits(connection, self.run.id, ended.held)
        if not measured:
            return
        known = {(board.target, board.board, board.provenance): board} if board else {}
        insert_measurements(connection, self.run.id, known, measured)
        seen = tuple(sorted({*self.run.provenances, *(m.provenance for m in measured)}))
        if seen != self.run.provenances:
            self._set(connection, provenances=seen)

    def _set(self, connection: Connection, **changed: Any) -> None:
        run = replace(self.run, **changed)
        row = rows.run_row(run, None)
        connection.execute(update(runs).where(runs.c.id == run.id).values({key: row[key] for key in changed}))
        self.run = run


def insert_run(connection: Connection, run: Run) -> None:
    """Insert a run and its pack in an open transaction."""
    hold(connection)
    row = rows.pack_row(run.pack) if run.pack else None
    pack_id = row_id(connection, packs, row, ["digest"]) if row else None
    connection.execute(insert(runs).values(rows.run_row(run, pack_id)))


def insert_limits(connection: Connection, run_id: str, held: Sequence[Limit]) -> None:
    """Insert the limits of a run in an open transaction; each replaces an earlier one of the same figure."""
    for limit in held:
        row = rows.limit_row(run_id, limit)
        once = [limits.c[key] == row[key] for key in ("run_id", *FIGURE)]
        if not connection.execute(update(limits).where(*once).values(row)).rowcount:
            connection.execute(insert(limits).values(row))


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
    if measured:
        hold(connection)
    found: dict[Named, int] = {}
    for measurement in measured:
        named = measurement.target, measurement.board, measurement.provenance
        if named not in found:
            row = rows.board_row(known.get(named) or BoardIdentity(*named))
            found[named] = row_id(connection, boards, row, rows.BOARD)
    if measured:
        connection.execute(
            insert(measurements),
            [rows.measurement_row(run_id, found[m.target, m.board, m.provenance], m) for m in measured],
        )


def hold(connection: Connection) -> None:
    """Keep `prune` from removing the boards and packs that this transaction is about to use.

    SQLite lets one transaction write at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(UNUSED_LOCK)))


def row_id(connection: Connection, table: Table, row: Mapping[str, Any], once: Iterable[str]) -> int:
    """Return the id of the row with the same values in the columns `once`; insert it if there is none."""
    same = [table.c[key] == row[key] for key in once]
    query = select(table.c.id).where(*same)
    found = connection.execute(query).scalar()
    if found is None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).values(row).on_conflict_do_nothing())
        found = connection.execute(query).scalar_one()
    return int(found)
