"""Copy a run from one database to another, all or nothing, however often."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, insert, select

from hil.results.store import rows
from hil.results.store.faults import store_errors
from hil.results.store.schema import boards, limits, measurements, packs, runs, tests
from hil.results.store.store import Store
from hil.results.store.writer import hold, row_id

_AT_ONCE = 200
"""Measurements that are read at once; their samples may be large."""


def copy_run(source: Store, target: Store, run_id: str) -> None:
    """Copy a run, in one transaction. It replaces the part of it that the target has already.

    Args:
        source: The store that has the whole run.
        target: The store that lacks it, or a part of it. A run that was accepted there stays accepted.
        run_id: The run.

    Raises:
        StoreError: A store cannot be read or written; `gone` says whether a server does not answer.
    """
    with source.transaction() as connection:
        read = _Reader(source.name, connection)
        (run,) = read.rows(select(runs).where(runs.c.id == run_id))
        pack = read.rows(select(packs).where(packs.c.id == run["pack_id"]))
        with target.transaction(writes=True) as written:
            hold(written)
            accepted = written.execute(select(runs.c.accepted).where(runs.c.id == run_id)).scalar()
            written.execute(delete(runs).where(runs.c.id == run_id))
            run["accepted"] = accepted or run["accepted"]
            run["pack_id"] = row_id(written, packs, _without_id(pack[0]), ["digest"]) if pack else None
            written.execute(insert(runs).values(run))
            for table in (tests, limits):
                for some in read.portions(table, run_id):
                    written.execute(insert(table), some)
            _copy_measurements(read, written, run_id)


class _Reader:
    """Reads rows of the source, whose errors name the source also inside a transaction of the target."""

    def __init__(self, name: str, connection: Connection) -> None:
        self._name, self._connection = name, connection

    def rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with store_errors(self._name):
            return [dict(row) for row in self._connection.execute(query).mappings()]

    def portions(self, table: Table, run_id: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a run in order, some at a time, without their ids."""
        last = 0
        while True:
            query = select(table).where(table.c.run_id == run_id, table.c.id > last)
            found = self.rows(query.order_by(table.c.id).limit(_AT_ONCE))
            if not found:
                return
            last = found[-1]["id"]
            yield [_without_id(row) for row in found]


def _copy_measurements(read: _Reader, written: Connection, run_id: str) -> None:
    there: dict[int, int] = {}
    for some in read.portions(measurements, run_id):
        for row in some:
            here = row["board_id"]
            if here not in there:
                (board,) = read.rows(select(boards).where(boards.c.id == here))
                there[here] = row_id(written, boards, _without_id(board), rows.BOARD)
            row["board_id"] = there[here]
        written.execute(insert(measurements), some)


def _without_id(row: rows.Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}
