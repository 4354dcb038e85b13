"""The file of SQLite: made, brought up to date, damaged, locked, full, killed."""

import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine

from hil.errors import StoreError
from hil.results.store import default_file, engine, migrate, open_store, schema
from hil.results.store.network_disk import network_disk
from tests.hil.store_kills import kill_often
from tests.hil.support.raising import raises
from tests.hil.support.runs import NANO, figure, keep, outcome, run_at
from tests.support.odd_files import ODD_FILES
from tests.support.refusals import may_refuse


def test_migrations_make_the_tables_of_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    open_store(str(path)).close()
    made = create_engine(f"sqlite:///{path}")
    with made.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    made.dispose()


def plain(path: Path) -> Engine:
    """Open a file without the store, as an older version would."""
    return create_engine(f"sqlite:///{path}")


OLD = {
    **{
        "id": "20220101-000000-00000000",
        "started": "2022-01-01T00:00:00.000Z",
        "ended": "",
        "status": "passed",
    },
    **{"host": "h", "tool": "1", '"commit"': "c", "dirty": False, "command": "pytest", "settings": "{}"},
    "provenances": "",
}
"""A run as the first version wrote it."""


@pytest.mark.parametrize("version", schema.VERSIONS)
def test_a_store_of_an_older_version_keeps_its_runs_and_takes_new_ones(version: str, tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    older = plain(path)
    migrate.upgrade(older, str(path), version)
    older.dispose()
    with sqlite3.connect(path) as raw:
        raw.execute(
            f"INSERT INTO runs ({', '.join(OLD)}) VALUES ({', '.join('?' * len(OLD))})", [*OLD.values()]
        )
    with open_store(str(path)) as store:
        new = keep(store, run_at(0))
        assert {run.id for run in store.runs()} == {OLD["id"], new.id}
        (old,) = store.find("20220101")
        assert (old.host, old.commit, old.status, old.accepted) == ("h", "c", "passed", "")
        store.accept(old.id)
        assert store.find(old.id)[0].accepted


def test_a_store_of_a_newer_version_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with open_store(str(path)) as store:
        keep(store, run_at(0))
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with raises(StoreError, store=str(path)):
        open_store(str(path))
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_database_of_another_program_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE songs (name TEXT)")
    with raises(StoreError, store=str(path)):
        open_store(str(path))
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


@pytest.mark.parametrize("name", [name for name in ODD_FILES if name != "missing"])
def test_a_file_that_is_no_store_is_an_error_in_one_line(name: str, tmp_path: Path) -> None:
    path = ODD_FILES[name](tmp_path)
    with raises(StoreError):
        open_store(str(path))


def test_every_byte_may_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with open_store(str(path)) as store:
        keep(store, run_at(0))
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 30):
        path.write_bytes(whole[:at] + bytes(255 - byte for byte in whole[at : at + 400]) + whole[at + 400 :])
        with may_refuse(StoreError), open_store(str(path)) as store:
            for run in store.runs():
                for read in (store.measurements, store.tests, store.boards):
                    assert read(run.id) is not None
            keep(store, run_at(1))


def test_a_store_that_stays_locked_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOCKED_SECONDS", 0.05)
    path = tmp_path / "a.sqlite"
    with open_store(str(path)) as store:
        writer = store.begin(run_at(0))
        with sqlite3.connect(path) as raw:
            raw.execute("BEGIN IMMEDIATE")
            with raises(StoreError):
                writer.end("passed")
            assert store.runs()[0].status == "unfinished"  # reading goes on
        raw.close()
        writer.end("passed")
        assert store.runs()[0].status == "passed"


def test_a_full_disk_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with open_store(str(path)) as store:
        before = keep(store, run_at(0))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, limits[1]))
        try:
            with raises(StoreError):
                writer = store.begin(run_at(1))
                for n in range(200):
                    much = [figure(NANO, "25%", 1.0, samples=tuple(float(n * i) for i in range(2000)))]
                    writer.test_ended(outcome(NANO, f"test_{n}"), NANO, much)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store.runs()[-1] == before
        keep(store, run_at(2))


def test_killed_writers_lose_no_finished_test(tmp_path: Path) -> None:
    seen = kill_often(str(tmp_path / "a.sqlite"), times=5, seed=1)
    assert (seen.wrong, seen.kills > 0) == ([], True)


def test_the_store_of_a_user_lies_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    open_store().close()
    assert default_file() == tmp_path / "reds-hil" / "runs.sqlite"
    assert default_file().exists()


MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / {0}/home rw shared:1 - nfs4 server:/home rw
31 30 8:2 / {0}/home/local\\040disk rw - xfs /dev/sdb rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"), [("", ""), ("home", "nfs4"), ("home/me/data", "nfs4"), ("home/local disk/a", "")]
)
def test_network_disks_are_known_by_their_mounts(folder: str, kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(tmp_path.resolve()))
    assert network_disk(tmp_path / folder, mounts) == kind
    assert network_disk(tmp_path, tmp_path / "missing") == ""


def test_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Callable[[Path], str] = lambda folder: "nfs4"  # noqa: E731, a stand-in
    monkeypatch.setattr(engine, "network_disk", found)
    with raises(StoreError):
        open_store(str(tmp_path / "a.sqlite"))
