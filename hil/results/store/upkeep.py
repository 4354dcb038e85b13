"""Take runs into a store from files, and remove old ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, exists, func, insert, or_, select

from hil.errors import ResultsError, StoreError
from hil.results import file
from hil.results.run import UNFINISHED, Run, as_text, new_id
from hil.results.store import rows
from hil.results.store.schema import boards, measurements, packs, runs, tests
from hil.results.store.store import Store
from hil.results.store.writer import UNUSED_LOCK, insert_limits, insert_measurements, insert_run
from reds.text import printable

_LONGEST = timedelta(days=2)
"""Longest time that a run may take."""


def import_file(store: Store, path: Path) -> Run:
    """Keep the run of a results file, all or nothing.

    A file without a header becomes an unfinished run that started when the file was written. A run that ended
    takes the place of what the store has of it, if that did not end, and stays accepted if that was.

    Args:
        store: The store.
        path: A file of --results, or one that a run wrote because its store could not be used.

    Raises:
        ResultsError: The file cannot be read, or holds no run.
        StoreError: The store has the run already, or cannot be written.
    """
    header, measured = file.read_run(path)
    if header is None:
        if not measured:
            raise ResultsError("holds no measurement; name the file of --results", file=path)
        written = as_text(datetime.fromtimestamp(path.stat().st_mtime, UTC))
        run = Run(new_id(written), written, "", "", printable(f"hil results import {path}"))
        header = file.Header(run, (), ())
    run = header.run
    by_name = {(board.target, board.board, board.provenance): board for board in header.boards}
    with store.transaction(writes=True) as connection:
        there = connection.execute(select(runs.c.status, runs.c.accepted).where(runs.c.id == run.id)).first()
        if there and there.status == UNFINISHED != run.status:
            connection.execute(delete(runs).where(runs.c.id == run.id))
            run = replace(run, accepted=there.accepted or run.accepted)
        elif there:
            raise StoreError(
                f"run {run.id} is in the store already; hil results show {run.id}", store=store.name
            )
        insert_run(connection, run)
        if header.tests:
            connection.execute(insert(tests), [rows.test_row(run.id, test) for test in header.tests])
        insert_limits(connection, run.id, header.limits)
        insert_measurements(connection, run.id, by_name, measured)
    return run


def prune(store: Store, *, keep: int, before: str = "", accepted: bool = False) -> int:
    """Remove old runs with their tests and measurements; return their number.

    A run without an end stays for some days, as it may still be going on.

    Args:
        store: The store.
        keep: Number of the newest runs that stay in any case.
        before: Only runs that started before this time are removed, as `Run.started`; empty for all.
        accepted: Also remove runs that were accepted as baselines.
    """
    newest = select(runs.c.id).order_by(runs.c.id.desc()).limit(keep)
    with store.transaction(writes=True) as connection:
        kept = connection.execute(newest).scalars().all()
        old = [runs.c.id < min(kept)] if kept else []
        old += [runs.c.started < before] if before else []
        old += [] if accepted else [runs.c.accepted == ""]
        going = as_text(datetime.now(UTC) - _LONGEST)
        old += [or_(runs.c.status != UNFINISHED, runs.c.started < going)]
        removed = connection.execute(delete(runs).where(*old)).rowcount
    with store.transaction(writes=True) as connection:
        if connection.dialect.name == "postgresql":  # a writer may be about to use a row that is unused now
            connection.execute(select(func.pg_advisory_xact_lock(UNUSED_LOCK)))
        connection.execute(delete(boards).where(~exists().where(measurements.c.board_id == boards.c.id)))
        connection.execute(delete(packs).where(~exists().where(runs.c.pack_id == packs.c.id)))
    if removed:
        store.compact()
    return removed
