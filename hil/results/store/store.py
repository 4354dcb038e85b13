"""Read the runs that are kept, and begin new ones."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, Select, and_, case, exists, func, or_, select, update

from hil.results.limit import Limit
from hil.results.measurement import Measurement
from hil.results.run import BAD, FAILED, PASSED, BoardIdentity, Run, TestOutcome, now
from hil.results.store import rows
from hil.results.store.faults import store_errors
from hil.results.store.patience import Patience
from hil.results.store.schema import boards, limits, measurements, packs, runs, tests
from hil.results.store.writer import EndedTest, Writer

T = TypeVar("T")
_FIGURE = ("board_id", "pack_shape", "subnet", "metric", "unit", "run_id", "pack_sha256")
"""Columns that tell figures apart; the first six are those of an index."""
Ended = tuple[str, str, str]
"""Board and provenance of tests, and how they ended."""


@dataclass(frozen=True)
class Past:
    """A figure of an earlier run, the run that took it, and whether the run is good for the board.

    A good run ended, and failed no test of the board. Other boards and tests without a board may have failed.
    """

    run: Run
    measurement: Measurement
    good: bool


class Store:
    """The runs that are kept in one database. Every method may raise `StoreError`.

    Attributes:
        name: File or URL of the database, without its password.
    """

    def __init__(self, engine: Engine, name: str, watch: Patience) -> None:
        """Read and write a database whose tables are up to date.

        Args:
            engine: Connects to the database.
            name: File or URL, without a password.
            watch: The longest wait for a server.
        """
        self.name = name
        self._engine = engine
        self._watch = watch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; closing twice is harmless."""
        self._engine.dispose()

    def begin(self, run: Run, so_far: Iterable[EndedTest] = ()) -> Writer:
        """Keep a new run, with tests that ended before; return the writer that keeps what it measures."""
        return Writer(lambda: self.transaction(writes=True), run, so_far)

    def accept(self, run_id: str) -> None:
        """Accept a run as good whatever its tests say: it is the baseline of its boards until a newer one."""
        with self.transaction(writes=True) as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(accepted=now()))

    def runs(
        self,
        *,
        limit: int | None = None,
        target: str = "",
        board: str = "",
        pack: str = "",
        provenance: str = "",
        status: str = "",
    ) -> list[Run]:
        """Return runs, the newest first.

        Args:
            limit: Most runs that are returned; None for all.
            target: Only runs with measurements on this kind of board; empty for all, as below.
            board: Only runs with measurements on the board of this name.
            pack: Only runs whose --pack has this name.
            provenance: Only runs with measurements of this provenance.
            status: Only runs with this status, one of `hil.results.run.STATUSES`.
        """
        asked = {boards.c.target: target, boards.c.board: board, boards.c.provenance: provenance}
        on_board = [column == text for column, text in asked.items() if text]
        query = _runs().order_by(runs.c.id.desc()).limit(limit)
        if on_board:
            query = query.where(exists().where(measurements.c.run_id == runs.c.id, _of_board(), *on_board))
        if pack:
            query = query.where(packs.c.name == pack)
        if status:
            query = query.where(runs.c.status == status)
        return self._all(rows.run_from, query)

    def outcomes(self, run_ids: Sequence[str]) -> Mapping[str, Counter[Ended]]:
        """Count how the tests of each of some runs ended, by board, provenance and outcome."""
        by = tests.c.run_id, tests.c.board, tests.c.provenance, tests.c.outcome
        query = select(*by, func.count().label("count")).where(tests.c.run_id.in_(run_ids)).group_by(*by)
        counted: dict[str, Counter[Ended]] = {run_id: Counter() for run_id in run_ids}
        for row in self._all(dict, query):
            counted[row["run_id"]][row["board"], row["provenance"], row["outcome"]] = row["count"]
        return counted

    def find(self, prefix: str, most: int = 2) -> list[Run]:
        """Return the newest runs whose id begins with `prefix`, at most `most`."""
        query = _runs().where(runs.c.id.startswith(prefix, autoescape=True))
        return self._all(rows.run_from, query.order_by(runs.c.id.desc()).limit(most))

    def boards(self, run_id: str) -> list[BoardIdentity]:
        """Return the boards that a run measured."""
        measured = exists().where(measurements.c.run_id == run_id, _of_board())
        query = select(boards).where(measured).order_by(boards.c.target, boards.c.board, boards.c.id)
        return self._all(rows.board_from, query)

    def tests(self, run_id: str) -> list[TestOutcome]:
        """Return the outcomes of the tests of a run, in the order in which they ended."""
        query = select(tests).where(tests.c.run_id == run_id).order_by(tests.c.id)
        return self._all(rows.test_from, query)

    def limits(self, run_id: str) -> list[Limit]:
        """Return the limits that a run was held to; none for a run that an older version kept."""
        query = select(limits).where(limits.c.run_id == run_id).order_by(limits.c.id)
        return self._all(rows.limit_from, query)

    def measurements(self, run_id: str, board: BoardIdentity | None = None) -> list[Measurement]:
        """Return the measurements of a run, in the order in which they were kept.

        Args:
            run_id: The run.
            board: Only measurements of this board; None for all.
        """
        query = _measurements().where(measurements.c.run_id == run_id).order_by(measurements.c.id)
        if board:
            query = query.where(_same_board(board))
        return self._all(rows.measurement_from, query)

    def history(
        self,
        board: BoardIdentity,
        pack_shape: str,
        subnet: str,
        metric: str,
        unit: str,
        limit: int | None = None,
        until: str = "",
    ) -> list[Past]:
        """Return a figure of the runs on the same board, the newest first.

        Args:
            board: The board; its target, provenance and key must be the same, its agent may be another.
            pack_shape: Shape of the pack.
            subnet: Name of a subnet or of an ordered pair.
            metric: Name of the metric.
            unit: Unit of the value.
            limit: Most figures that are returned; None for all.
            until: Id of the newest run that counts; empty for all.
        """
        figure = measurements.c.pack_shape == pack_shape, measurements.c.subnet == subnet
        measure = measurements.c.metric == metric, measurements.c.unit == unit
        query = _measurements().where(_same_board(board), *figure, *measure, ~_taken_again())
        if until:
            query = query.where(measurements.c.run_id <= until)
        query = query.order_by(measurements.c.run_id.desc(), measurements.c.id).limit(limit)
        with self.transaction() as connection:
            found = [dict(row) for row in connection.execute(query).mappings()]
            names = {row["run_id"] for row in found}
            taken_by = _runs().add_columns(_is_good(board).label("good"))
            made = {
                row["id"]: row
                for some in _portions(names)
                for row in connection.execute(taken_by.where(runs.c.id.in_(some))).mappings()
            }
            runs_of = {run_id: rows.run_from(dict(row)) for run_id, row in made.items()}
            good = {run_id for run_id, row in made.items() if row["good"]}
            return [Past(runs_of[m["run_id"]], rows.measurement_from(m), m["run_id"] in good) for m in found]

    def last_good(self, board: BoardIdentity, pack_shape: str, before: str = "") -> Run | None:
        """Return the newest run that measured a pack of this shape on this board and failed no test of it.

        A run that was accepted is good too, and counts from the time when it was accepted.

        Args:
            board: The board; its target, provenance and key must be the same.
            pack_shape: Shape of the pack.
            before: Only runs before the one of this id count; empty for all.
        """
        measured = exists().where(
            measurements.c.run_id == runs.c.id,
            measurements.c.pack_shape == pack_shape,
            _of_board(),
            _same_board(board),
        )
        query = _runs().where(measured, or_(_is_good(board), runs.c.accepted != ""))
        if before:
            query = query.where(runs.c.id < before)
        newest = case((runs.c.accepted == "", runs.c.started), else_=runs.c.accepted)
        found = self._all(rows.run_from, query.order_by(newest.desc(), runs.c.id.desc()).limit(1))
        return found[0] if found else None

    def compact(self) -> None:
        """Give the room of removed runs back to the disk, where the database does not do so by itself."""
        if self._engine.dialect.name == "sqlite":
            with store_errors(self.name), self._engine.connect() as connection:
                raw: Any = connection.connection.driver_connection
                raw.execute("VACUUM")

    @contextmanager
    def transaction(self, writes: bool = False) -> Iterator[Connection]:
        """Open a transaction that is committed at the end of the block."""
        with store_errors(self.name), self._watch.limited(), self._engine.connect() as connection:
            connection.execution_options(writes=writes)
            with connection.begin():
                yield connection

    def _all(self, convert: Callable[[rows.Row], T], query: Select[Any]) -> list[T]:
        with self.transaction() as connection:
            return [convert(dict(row)) for row in connection.execute(query).mappings()]


def _runs() -> Select[Any]:
    """Select runs, each with its pack."""
    pack = [packs.c[key].label(f"packs_{key}") for key in ("name", "sha256", "shape", "card")]
    return select(runs, *pack).select_from(runs.outerjoin(packs, runs.c.pack_id == packs.c.id))


def _measurements() -> Select[Any]:
    """Select measurements, each with its board."""
    board = boards.c.target, boards.c.board, boards.c.provenance
    return select(measurements, *board).select_from(measurements.join(boards, _of_board()))


def _of_board() -> Any:
    return measurements.c.board_id == boards.c.id


def _taken_again() -> Any:
    """Return the condition that a figure was taken again in its run, as by a test that ran again."""
    later = measurements.alias()
    same = [later.c[key] == measurements.c[key] for key in _FIGURE]
    return exists().where(later.c.id > measurements.c.id, *same)


def _same_board(board: BoardIdentity) -> Any:
    """Return the condition that a measurement is of the same device, whatever the board's name was then.

    Where two boards of a run were one device, such as two cores of it, the one of the same name is meant.
    """
    also, name = measurements.alias(), boards.alias()
    same_name = (
        select(also.c.id)
        .join(name, also.c.board_id == name.c.id)
        .where(also.c.run_id == measurements.c.run_id, _is_device(name.c, board), name.c.board == board.board)
    )
    named = or_(boards.c.board == board.board, ~same_name.correlate(measurements).exists())
    return and_(_is_device(boards.c, board), named)


def _is_device(columns: Any, board: BoardIdentity) -> Any:
    key = columns.key == board.key
    return and_(columns.target == board.target, columns.provenance == board.provenance, key)


def _is_good(board: BoardIdentity) -> Any:
    """Return the condition that a run ended and failed no test of a board, whatever its name was then."""
    names = select(boards.c.board).where(_of_board(), measurements.c.run_id == runs.c.id, _same_board(board))
    failed = exists().where(
        tests.c.run_id == runs.c.id,
        tests.c.target == board.target,
        tests.c.board.in_(names.correlate(runs)),
        tests.c.provenance == board.provenance,
        tests.c.outcome.in_(BAD),
    )
    return and_(runs.c.status.in_((PASSED, FAILED)), ~failed)


def _portions(names: Iterable[str], most: int = 500) -> Iterator[list[str]]:
    """Yield the names in lists that are no longer than databases take."""
    listed = sorted(names)
    for at in range(0, len(listed), most):
        yield listed[at : at + most]
