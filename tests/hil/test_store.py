"""The store of runs: the same calls have the same results in SQLite and in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from hil.errors import ResultsError, StoreError
from hil.results import file
from hil.results.conditions import Conditions, Span
from hil.results.limit import Limit
from hil.results.measurement import Measurement
from hil.results.run import BoardIdentity, PackFacts, TestOutcome, new_id, now
from hil.results.store import Store, find_run, import_file, open_store, prune, rows
from hil.results.store.schema import packs, runs
from hil.results.store.writer import hold, insert_measurements, row_id
from tests.hil.support.postgres import Postgres
from tests.hil.support.raising import raises
from tests.hil.support.runs import DESK, NANO, SHAPE, figure, keep, outcome, run_at

Open = Callable[[], Store]
"""Opens the store of a test, also several times at once."""


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "sqlite":
        return lambda: open_store(str(tmp_path / "deep" / "runs.sqlite"))
    url = request.getfixturevalue("postgres").database()
    return lambda: open_store(url)


@pytest.fixture
def store(opened: Open) -> Iterator[Store]:
    with opened() as store:
        yield store


TEXT = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=8
).filter(str.isprintable)
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
CONDITIONS = st.builds(
    Conditions, TEXT, mhz=st.none() | st.floats(0, 1e4), throttled=st.none() | st.integers(0, 2**20)
)
BOARDS = st.builds(BoardIdentity, TEXT, TEXT, st.sampled_from(["hardware", "emulated"]), TEXT, TEXT, TEXT)
PACKS = st.builds(PackFacts, TEXT, TEXT, TEXT, st.just("") | st.just('{"name": "x"}'))
OUTCOMES = st.builds(TestOutcome, TEXT, st.sampled_from(["passed", "failed"]), st.floats(0, 1e6), TEXT, TEXT)


@st.composite
def measured_on(draw: st.DrawFn, board: BoardIdentity) -> Measurement:
    texts = [draw(TEXT) for _ in range(4)]
    return Measurement(
        *(board.target, board.board, board.provenance, *texts[:3], f"x{texts[3]}", draw(TEXT), draw(NUMBER)),
        tuple(draw(st.lists(NUMBER, max_size=20))),
        draw(st.none() | st.builds(Span, CONDITIONS, CONDITIONS)),
        draw(st.none() | NUMBER),
        draw(st.none() | NUMBER),
        draw(TEXT),
    )


FAST = (Phase.explicit, Phase.generate)
"""Without shrinking, which would write thousands of runs."""
ENDED = ["passed", "failed", "interrupted", "other", "accepted"]
"""Ends of a run: `other` fails on another board, `accepted` fails and is accepted."""


class TestStore:
    """Both databases."""

    @given(data=st.data())
    @settings(max_examples=20, phases=FAST, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_run_is_read_as_it_was_written(self, store: Store, data: st.DataObject) -> None:
        facts = {"host": TEXT, "tool": TEXT, "command": TEXT, "commit": TEXT, "dirty": st.booleans()}
        more = {"pack": st.none() | PACKS, "settings": st.dictionaries(TEXT, TEXT, max_size=3)}
        run = run_at(0, **{key: data.draw(kind) for key, kind in (facts | more).items()})
        board, test = data.draw(BOARDS), data.draw(OUTCOMES)
        measured = data.draw(st.lists(measured_on(board), max_size=4))
        prune(store, keep=0)
        writer = store.begin(run)
        writer.test_ended(test, board, measured)
        provenances = (board.provenance,) if measured else ()
        assert store.find(run.id) == [replace(run, provenances=provenances)]
        assert store.measurements(run.id) == measured
        assert store.tests(run.id) == [test]
        assert store.boards(run.id) == ([board] if measured else [])
        writer.end("failed")
        assert store.find(run.id)[0].status == "failed"

    def test_outcome_of_the_teardown_replaces_that_of_the_call(self, store: Store) -> None:
        writer = store.begin(run_at(0))
        writer.test_ended(outcome(NANO, "test_a"), NANO, [figure(NANO, "25%", 8.0)])
        writer.test_ended(outcome(NANO, "test_a", "error"), NANO, [figure(NANO, "50%", 9.0)])
        assert [test.outcome for test in store.tests(writer.run.id)] == ["error"]
        assert [m.subnet for m in store.measurements(writer.run.id)] == ["25%", "50%"]

    def test_runs_are_listed_the_newest_first_and_by_what_they_measured(self, store: Store) -> None:
        first = keep(store, run_at(1))
        other = keep(store, run_at(2, pack=PackFacts("other", "0", "0")), "failed", DESK, ended="failed")
        last = keep(store, run_at(3))
        assert store.runs() == [last, other, first]
        assert store.runs(limit=1) == [last]
        assert store.runs(target="desktop") == store.runs(board="desk") == [other]
        assert store.runs(provenance="emulated") == store.runs(pack="net") == [last, first]
        assert store.runs(status="failed") == [other]
        assert store.runs(target="desktop", provenance="emulated") == []
        counted = store.outcomes([first.id, other.id])
        assert counted[first.id] == {("left", "emulated", "passed"): 1}
        assert counted[other.id] == {("desk", "hardware", "failed"): 1}

    def test_history_has_the_same_board_only(self, store: Store) -> None:
        renamed = replace(DESK, board="moved", build="new")
        for second, board in enumerate((DESK, NANO, renamed, replace(DESK, serial="another"))):
            keep(store, run_at(second, host=f"machine {second}"), board=board, value=float(second))
        past = store.history(DESK, SHAPE, "25%", "latency", "us")
        assert [p.measurement.value for p in past] == [2.0, 0.0]
        assert [p.run for p in past] == [store.runs()[1], store.runs()[3]]
        assert [p.measurement.value for p in store.history(DESK, SHAPE, "25%", "latency", "us", 1)] == [2.0]
        assert store.history(DESK, "another shape", "25%", "latency", "us") == []
        assert store.last_good(DESK, SHAPE) == store.runs()[1]  # on another machine, under another name

    def test_history_of_an_older_run_is_not_crowded_out_by_newer_ones(self, store: Store) -> None:
        made = [keep(store, run_at(second), value=float(second)) for second in range(4)]
        past = store.history(NANO, SHAPE, "25%", "latency", "us", limit=2, until=made[1].id)
        assert [one.measurement.value for one in past] == [1.0, 0.0]

    @given(ended=st.lists(st.sampled_from(ENDED), max_size=6))
    @settings(max_examples=10, phases=FAST, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_last_good_run_is_the_newest_that_failed_nothing_on_the_board(
        self, store: Store, ended: list[str]
    ) -> None:
        prune(store, keep=0, accepted=True)
        made = []
        for second, how in enumerate(ended):
            status = "failed" if how in ("other", "accepted") else how
            writer = store.begin(run_at(second))
            bad = "failed" if how in ("failed", "accepted") else "passed"
            writer.test_ended(outcome(NANO, "test_a", bad), NANO, [figure(NANO, "25%", 1.0)])
            if how == "other":
                writer.test_ended(outcome(DESK, "test_a b", "failed"), DESK, [figure(DESK, "25%", 1.0)])
            writer.end(status)
            made.append(writer.run.id)
        accepted = [run_id for run_id, how in zip(made, ended, strict=True) if how == "accepted"]
        good = [run_id for run_id, how in zip(made, ended, strict=True) if how in ("passed", "other")]
        for run_id in accepted:
            store.accept(run_id)
        found = store.last_good(NANO, SHAPE)
        assert (found.id if found else None) == next(iter([*accepted[::-1], *good[::-1]]), None)

    def test_old_runs_are_removed_but_those_accepted_stay(self, store: Store) -> None:
        made = [keep(store, run_at(second)) for second in range(5)]
        store.accept(made[0].id)
        assert prune(store, keep=2, before=made[2].started) == 1
        assert [run.id for run in store.runs()] == [made[i].id for i in (4, 3, 2, 0)]
        assert prune(store, keep=2) == 1
        assert prune(store, keep=0) == 2
        assert [run.id for run in store.runs()] == [made[0].id]
        assert store.tests(made[4].id) == store.measurements(made[4].id) == []

    def test_a_run_goes_through_a_file_unchanged(self, store: Store, tmp_path: Path) -> None:
        run = keep(store, run_at(7))
        header = file.Header(run, tuple(store.boards(run.id)), tuple(store.tests(run.id)))
        before = store.measurements(run.id)
        file.write(tmp_path / "a.jsonl", [m.plain() for m in before], header)
        with raises(StoreError):
            import_file(store, tmp_path / "a.jsonl")
        prune(store, keep=0)
        assert import_file(store, tmp_path / "a.jsonl") == store.runs()[0] == run
        assert store.measurements(run.id) == before
        assert (store.boards(run.id), store.tests(run.id)) == ([NANO], [outcome(NANO, "test_a")])

    def test_limits_are_kept_with_a_run_and_go_through_a_file(self, store: Store, tmp_path: Path) -> None:
        limit = Limit("nano33ble", "left", "emulated", "25%", "latency", "us", 9.0, least=False, kept=True)
        floor = replace(limit, metric="accuracy", unit="fraction", value=0.75, least=True)
        run = run_at(0)
        writer = store.begin(run)
        writer.test_ended(outcome(NANO, "test_a"), NANO, [figure(NANO, "25%", 1.0)], [limit, floor])
        again = replace(limit, kept=False)
        writer.test_ended(outcome(NANO, "test_a"), NANO, [], [again])
        assert store.limits(run.id) == [again, floor]
        assert store.limits(keep(store, run_at(1)).id) == []
        header = file.Header(writer.run, (NANO,), tuple(store.tests(run.id)), (again, floor))
        file.write(tmp_path / "a.jsonl", [m.plain() for m in store.measurements(run.id)], header)
        writer.end("passed")
        prune(store, keep=0)
        import_file(store, tmp_path / "a.jsonl")
        assert store.limits(run.id) == [again, floor]

    def test_a_file_takes_the_place_of_a_run_that_did_not_end(self, store: Store, tmp_path: Path) -> None:
        begun = run_at(0)
        store.begin(begun).test_ended(outcome(NANO, "test_a"), NANO, [figure(NANO, "25%", 1.0)])
        store.accept(begun.id)
        accepted = store.runs()[0].accepted
        ended = replace(begun, status="passed", ended=begun.started)
        measured = [figure(NANO, name, 2.0) for name in ("25%", "50%")]
        header = file.Header(ended, (NANO,), (outcome(NANO, "test_a"), outcome(NANO, "test_b")))
        file.write(tmp_path / "a.jsonl", [m.plain() for m in measured], header)
        import_file(store, tmp_path / "a.jsonl")
        assert store.runs() == [replace(ended, accepted=accepted)]
        assert len(store.tests(begun.id)) == 2
        assert store.measurements(begun.id) == measured

    def test_a_run_that_may_be_going_on_is_not_removed(self, store: Store) -> None:
        started = now()
        going = store.begin(run_at(0, id=new_id(started), started=started))
        assert prune(store, keep=0) == 0
        going.test_ended(outcome(NANO, "test_a"), NANO, [figure(NANO, "25%", 1.0)])
        going.end("passed")
        assert prune(store, keep=0) == 1

    def test_a_file_without_a_header_becomes_an_unfinished_run(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "none.jsonl").touch()
        with raises(ResultsError):
            import_file(store, tmp_path / "none.jsonl")
        file.write(tmp_path / "a.jsonl", [figure(DESK, "25%", 1.0).plain()])
        assert import_file(store, tmp_path / "a.jsonl").status == "unfinished"
        assert [m.value for m in store.measurements(store.runs()[0].id)] == [1.0]

    def test_runs_are_found_by_their_names(self, store: Store) -> None:
        for name in ("last", "2023", ""):
            with raises(StoreError):
                find_run(store, name)
        first, last = (keep(store, run_at(second)) for second in (100, 200))
        assert find_run(store, "last") == find_run(store, last.id) == last
        assert find_run(store, "last~1") == find_run(store, first.id[:16]) == first
        for name in ("last~2", "last~", "2023", "%", "", "_" * 20):
            with raises(StoreError):
                find_run(store, name)

    def test_two_writers_at_once_lose_nothing(self, opened: Open) -> None:
        faults: list[Exception] = []

        def write(second: int) -> None:
            try:
                with opened() as store:
                    writer = store.begin(run_at(second))
                    for n in range(20):
                        writer.test_ended(outcome(NANO, f"test_{n}"), NANO, [figure(NANO, "25%", float(n))])
                    writer.end("passed")
            except Exception as error:
                faults.append(error)

        threads = [threading.Thread(target=write, args=(second,)) for second in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults
        with opened() as store:
            assert [run.status for run in store.runs()] == ["passed", "passed"]
            for run in store.runs():
                assert [m.value for m in store.measurements(run.id)] == [float(n) for n in range(20)]


def test_a_server_that_is_gone_is_an_error_in_one_line_without_the_password(postgres: Postgres) -> None:
    url = postgres.database().replace("hil@", "hil:secret@").replace("/reds-hil-pg", "/gone/reds-hil-pg")
    with raises(StoreError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
    with raises(StoreError) as caught:
        open_store("postgresql://me:secret@127.0.0.1:1/runs")
    assert "secret" not in str(caught.value) + caught.value.store


@pytest.mark.parametrize("way", ["URL", "query", "PGPASSWORD", "PGPASSFILE", "service"])
def test_each_way_to_give_a_password_opens_the_store(
    way: str, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.guarded("s3cret")
    folder, base = url.rpartition("=")[2], url.partition("?")[0].rpartition("/")[2]
    secret = tmp_path / "secret"
    if way == "URL":
        url = url.replace("guarded@", "guarded:s3cret@")
    elif way == "query":
        url += "&password=s3cret"
    elif way == "PGPASSWORD":
        monkeypatch.setenv("PGPASSWORD", "s3cret")
    elif way == "PGPASSFILE":
        secret.write_text("*:*:*:guarded:s3cret\n")
        monkeypatch.setenv("PGPASSFILE", str(secret))
    else:
        place = f"host={folder}\ndbname={base}\nuser=guarded\npassword=s3cret\n"
        secret.write_text(f"[lab]\n{place}")
        monkeypatch.setenv("PGSERVICEFILE", str(secret))
        url = "postgresql+psycopg:///?service=lab"
    secret.touch()
    secret.chmod(0o600)
    with open_store(url) as store:
        assert "s3cret" not in store.name
        assert ("service=lab" in store.name) == (way == "service")
        keep(store, run_at(0))
    with raises(StoreError) as caught:
        open_store(postgres.guarded("another").partition("?")[0] + f"?host={folder}&password=s3cret")
    assert "s3cret" not in str(caught.value) + repr(caught.value.__cause__)
    assert not caught.value.gone


def test_old_runs_are_removed_while_others_are_written(postgres: Postgres) -> None:
    """The board and the pack that a run is about to use are used by no other run."""
    url = postgres.database()
    with open_store(url) as store, psycopg.connect(postgres.dsn, autocommit=True) as admin:
        keep(store, run_at(0))
        run, facts = run_at(1), PackFacts("net", "00ff", SHAPE, '{"name":"net"}')
        pruned = threading.Thread(target=lambda: prune(store, keep=0))
        with store.transaction(writes=True) as connection:
            hold(connection)
            pack = row_id(connection, packs, rows.pack_row(facts), ["digest"])
            pruned.start()
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while pruned.is_alive() and not admin.execute(waits).fetchall()[0][0]:
                pass
            connection.execute(insert(runs).values(rows.run_row(run, pack)))
            insert_measurements(connection, run.id, {}, [figure(NANO, "25%", 1.0)])
        pruned.join()
        assert [found.id for found in store.runs()] == [run.id]
        assert store.runs()[0].pack == facts
        assert prune(store, keep=0) == 1
        assert store.runs() == []


def test_a_connection_that_is_lost_is_opened_again(postgres: Postgres) -> None:
    url = postgres.database()
    with open_store(url) as store, psycopg.connect(postgres.dsn, autocommit=True) as admin:
        keep(store, run_at(0))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'store%'")
        assert len(store.runs()) == 1


@pytest.mark.parametrize("count", [0, 1, 5])
def test_samples_take_little_room(count: int, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "a.sqlite")) as store:
        writer = store.begin(run_at(0))
        figures = [figure(DESK, "25%", 1.0, samples=(1.0,) * 2000) for _ in range(count)]
        writer.test_ended(outcome(DESK, "test_a"), DESK, figures)
        assert len(store.measurements(writer.run.id)) == count
    assert (tmp_path / "a.sqlite").stat().st_size < 150_000


def test_ids_of_later_runs_sort_after_earlier_ones() -> None:
    ids = [run_at(second).id for second in (0, 1, 60, 86_400)]
    assert ids == sorted(ids)
