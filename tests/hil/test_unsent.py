"""Runs wait on this machine while the server of their store is away, and are sent once, whole."""

import multiprocessing
import shlex
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from hil.cli import main
from hil.errors import StoreError
from hil.results.limit import Limit
from hil.results.run import Run
from hil.results.store import EndedTest, Store, kept_here, open_store, send, server_name, waiting
from hil.suite import kept_run
from hil.suite.ending import Place
from tests.hil.support.postgres import Postgres
from tests.hil.support.raising import raises
from tests.hil.support.runs import DESK, NANO, figure, keep, outcome, run_at

LIMIT = Limit("nano33ble", "left", "emulated", "25%", "latency", "us", 9.0, least=False, kept=True)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the runs that wait for a store."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "reds-hil" / "unsent"


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def three_tests(second: int) -> list[EndedTest]:
    """Return three tests that ended, on two boards."""
    first, last = (figure(board, "25%", float(second), conditions=None) for board in (NANO, DESK))
    return [
        EndedTest(outcome(NANO, "test_a"), NANO, [first], [LIMIT]),
        EndedTest(outcome(DESK, "test_b", "failed"), DESK, [last]),
        EndedTest(outcome(NANO, "test_c"), NANO, [replace(first, subnet="50%")]),
    ]


def wait_here(url: str, second: int = 0) -> Run:
    """Keep a run on this machine, which has ended."""
    run = run_at(second)
    with kept_here(server_name(url), run.id) as here:
        writer = here.begin(run, three_tests(second))
        writer.end("failed")
        return writer.run


def check_whole(store: Store, run: Run, second: int = 0) -> None:
    ended = three_tests(second)
    assert store.find(run.id) == [run]
    assert store.tests(run.id) == [each.outcome for each in ended]
    assert store.measurements(run.id) == [m for each in ended for m in each.measured]
    assert store.limits(run.id) == [LIMIT]
    assert store.boards(run.id) == [DESK, NANO]


def test_a_run_that_waits_is_sent_whole_and_once(store: Store, url: str, data: Path) -> None:
    runs = [wait_here(url, second) for second in (1, 2)]
    assert waiting() == {store.name: 2}
    assert send(store).sent == (runs[0].id, runs[1].id)
    assert send(store).sent == ()
    for second, run in enumerate(runs, 1):
        check_whole(store, run, second)
    assert waiting() == {}
    assert [path.name for path in data.rglob("*") if path.is_file()] == ["store.txt"]


def test_runs_that_wait_are_named_where_runs_are_listed(url: str, data: Path) -> None:
    wait_here(url)
    mine = str(data.parent / "mine.sqlite")
    open_store(mine).close()
    done = CliRunner().invoke(main, ["results", "--store", mine, "list"])
    assert f"runs that wait here for {server_name(url)}: 1; " in done.output


def test_a_run_takes_the_place_of_its_first_part_and_stays_accepted(store: Store, url: str) -> None:
    run = wait_here(url)
    writer = store.begin(run_at(0, id=run.id))
    writer.test_ended(outcome(NANO, "test_a"), NANO, [figure(NANO, "25%", 5.0)], [replace(LIMIT, value=1.0)])
    store.accept(run.id)
    accepted = store.find(run.id)[0].accepted
    assert send(store).sent == (run.id,)
    check_whole(store, replace(run, accepted=accepted))


def test_runs_of_another_database_are_sent_only_if_all_are_asked_for(
    store: Store, url: str, postgres: Postgres
) -> None:
    here, other = wait_here(url, 1), wait_here(postgres.database(), 2)
    wait_here(url.replace("hil@", "somebody@"), 3)  # the same database
    assert len(send(store).sent) == 2
    assert [run.id for run in store.runs()][-1] == here.id
    assert send(store, everything=True).sent == (other.id,)


def test_runs_that_wait_for_another_store_are_named_with_the_command_that_sends_them_there(
    url: str, data: Path
) -> None:
    run = wait_here(url)
    done = CliRunner().invoke(main, ["results", f"--store={data.parent / 'mine.sqlite'}", "send"])
    assert done.exit_code == 0, done.output
    _, command = done.stdout.splitlines()[-1].split(": hil ")
    sent = CliRunner().invoke(main, shlex.split(command))
    assert f"run {run.id}: sent" in sent.stdout
    with open_store(url) as store:
        check_whole(store, run)


def test_without_its_server_a_run_goes_on_waiting(url: str, postgres: Postgres) -> None:
    run = wait_here(url)
    with open_store(url) as store:
        postgres.stop()
        try:
            found = send(store)
        finally:
            postgres.start()
        assert (found.sent, len(found.faults)) == ((), 1)
        assert waiting() == {store.name: 1}
        assert send(store).sent == (run.id,)
        check_whole(store, run)


def test_a_damaged_file_stays_and_the_others_are_sent(store: Store, url: str, data: Path) -> None:
    damaged, whole = wait_here(url, 1), wait_here(url, 2)
    (path,) = data.rglob(f"{damaged.id}.sqlite")
    path.write_bytes(b"no database" * 100)
    found = send(store)
    assert (found.sent, [*found.faults]) == ((whole.id,), [damaged.id])
    assert str(path) in str(found.faults[damaged.id])
    assert path.exists()


def test_two_senders_at_once_send_each_run_once(store: Store, url: str) -> None:
    runs = [wait_here(url, second) for second in range(6)]
    sent: list[str] = []

    def work() -> None:
        with open_store(url) as mine:
            sent.extend(send(mine).sent)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == sorted(run.id for run in runs)
    for second, run in enumerate(runs):
        check_whole(store, run, second)


def write_and_hang(url: str, told: Connection) -> None:
    run = run_at(0)
    with kept_here(server_name(url), run.id) as here:
        writer = here.begin(run)
        for each in three_tests(0):
            writer.test_ended(each.outcome, each.board, each.measured, each.held)
        told.send(run)
        told.recv()


def test_a_run_is_sent_after_its_process_was_killed_and_not_before(store: Store, url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=write_and_hang, args=(url, theirs), daemon=True)
    child.start()
    run = ours.recv()
    found = send(store)
    assert (found.sent, found.busy) == ((), (run.id,))
    child.kill()
    child.join()
    assert send(store).sent == (run.id,)
    check_whole(store, replace(run, provenances=("emulated", "hardware")))


@pytest.mark.parametrize("secret", ["hil:s3cret@", "hil@"])
def test_no_file_holds_the_password(secret: str, url: str, data: Path) -> None:
    told = url.replace("hil@", secret) + "&password=s3cret&sslpassword=s3cret"
    wait_here(told)
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) >= 3
    assert not [path for path in files if b"s3cret" in path.read_bytes()]


def test_a_server_that_hangs_is_gone_after_the_patience(url: str, postgres: Postgres) -> None:
    with open_store(url) as store:
        run = keep(store, run_at(0))
    with open_store(url, patience=2) as store:
        with postgres.frozen(url), raises(StoreError) as caught:
            store.runs()
        assert caught.value.gone
        assert store.runs() == [run]


@pytest.mark.parametrize(
    "words", [["results", "list"], ["baseline", "show"], ["report", "last", "--out", "page"]]
)
def test_a_command_ends_in_one_line_if_the_server_hangs(
    words: list[str], url: str, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(url) as store:
        keep(store, run_at(0))
    monkeypatch.setitem(open_store.__kwdefaults__, "patience", 1.0)
    monkeypatch.setenv("HIL_STORE", url)
    monkeypatch.chdir(tmp_path)
    with postgres.frozen(url):
        done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1


def test_a_run_goes_on_without_a_server_that_hangs(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_run, "PATIENCE_SECONDS", 2)
    kept = kept_run.KeptRun(url, run_at(0))
    first, *others = three_tests(0)
    kept.test_ended(first.outcome, first.board, first.measured, first.held)
    with postgres.frozen(url):
        for each in others:
            kept.test_ended(each.outcome, each.board, each.measured, each.held)
    assert list(waiting().values()) == [1]
    ending = kept.end("failed")
    assert (ending.place, ending.fault, len(ending.notes)) == (Place.STORE, "", 1)
    with open_store(url) as store:
        check_whole(store, kept.run)


def test_a_server_that_came_back_and_refuses_the_run_is_an_error(url: str, postgres: Postgres) -> None:
    kept = kept_run.KeptRun(url, run_at(0))
    first, *_ = three_tests(0)
    postgres.stop()
    try:
        kept.test_ended(first.outcome, first.board, first.measured, first.held)
    finally:
        postgres.start()
    with psycopg.connect(url.replace("+psycopg", "")) as admin:
        admin.execute("DROP TABLE limits")
    ending = kept.end("passed")
    assert (ending.place, len(ending.notes)) == (Place.HERE, 1)
    assert "limits" in ending.fault
    assert list(waiting().values()) == [1]


def test_a_file_in_which_no_run_began_is_removed_and_nothing_is_said_to_be_sent(
    store: Store, url: str, data: Path
) -> None:
    with kept_here(server_name(url), run_at(0).id):
        pass
    found = send(store)
    assert (found.sent, found.faults, found.busy) == ((), {}, ())
    assert [path.name for path in data.rglob("*") if path.is_file()] == ["store.txt"]


def test_a_server_that_refuses_is_not_gone(url: str) -> None:
    for wrong in (url.replace("hil@", "nobody@"), url.replace("/store", "/another")):
        with raises(StoreError) as caught:
            open_store(wrong)
        assert not caught.value.gone
    with raises(StoreError) as caught:
        open_store("postgresql://me@127.0.0.1:1/runs")
    assert caught.value.gone
