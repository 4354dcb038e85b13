"""Open the store: SQLite in the user's data folder, a file of SQLite, or a PostgreSQL database by its URL."""

import logging
import math
import re
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from hil.errors import StoreError
from hil.results.store import migrate
from hil.results.store.faults import ANOTHER, store_errors
from hil.results.store.network_disk import network_disk
from hil.results.store.patience import Patience
from hil.results.store.store import Store
from reds.reading import check_regular, user_path

FILE = "runs.sqlite"
LOCKED_SECONDS = 10.0
"""Seconds to wait for another writer, and for a server to answer."""
COMMAND_SECONDS = 120.0
"""Seconds that one statement of a command may take on a server: removing many runs takes a while."""
_SERVER = "postgresql+psycopg"
_SILENT = logging.NullHandler()
_WHERE = ("host", "port", "dbname", "service")
"""Parameters of a URL that say which database it is; others may be secret."""
_URL = f"{_SERVER}://USER@HOST/DATABASE"


def default_file() -> Path:
    """Return the path of the store in the user's data folder."""
    return platformdirs.user_data_path("reds-hil") / FILE


def open_store(where: str | None = None, *, new: bool = True, patience: float = COMMAND_SECONDS) -> Store:
    """Open a store. A new database gets its tables, and one of an older version is brought up to date.

    Args:
        where: A file of SQLite, or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`; None for the file in
            the user's data folder.
        new: Whether a file that is not there is made.
        patience: Most seconds that a server may take for one statement. A server that takes longer is gone.
            A file has any time.

    Raises:
        StoreError: The database is not there, cannot be used, is no store, or was written by a newer version.
    """
    if where is not None and "://" in where:
        name, engine = _server(where, patience)
        watch = Patience(engine, patience)
    else:
        name, engine = _file(where, new)
        watch = Patience(engine, None)
    try:
        with store_errors(name), watch.limited():
            migrate.to_newest(engine, name)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, name, watch)


def same_server(name: str) -> str:
    """Return the name of a store without its user: equal for two names of one database."""
    return re.sub(r"(?<=://)[^/@]*@", "", name)


def server_name(text: str) -> str:
    """Return the name of the store with this URL, without a password. Raises `StoreError` if it is none."""
    url = _url(text)
    where = {key: url.query[key] for key in _WHERE if key in url.query}
    return URL.create(_SERVER, url.username, None, url.host, url.port, url.database, where).render_as_string()


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # their texts hold the password
        raise StoreError(f"no URL of a database; write {_URL}", store="--store") from None
    if url.drivername not in (_SERVER, "postgresql", "postgres"):
        kind = f"a database of {url.drivername} is no store"
        raise StoreError(f"{kind}; write {_URL}, or a file", store="--store")
    return url


def _server(text: str, seconds: float) -> tuple[str, Engine]:
    name, url = server_name(text), _url(text)
    logging.getLogger("psycopg").addHandler(_SILENT)  # each error is told once, as an error
    wait = min(LOCKED_SECONDS, seconds)
    patience = {
        "connect_timeout": max(2, math.ceil(wait)),
        "tcp_user_timeout": int(1000 * wait),
        "options": f"-c lock_timeout={int(1000 * wait)} -c timezone=UTC",
    }
    try:
        return name, create_engine(url.set(drivername=_SERVER), connect_args=patience, pool_pre_ping=True)
    except ModuleNotFoundError:
        lacks = "psycopg is missing, which PostgreSQL needs"
        raise StoreError(f"{lacks}; pip install 'reds-hil[lab]'", store=name) from None


def _file(text: str | None, new: bool) -> tuple[str, Engine]:
    try:
        path = default_file() if text is None else user_path(text)
    except ValueError as error:
        raise StoreError(f"{error}; {ANOTHER}", store="--store") from error
    if not new and not path.exists():
        raise StoreError(f"no run is kept there yet; pytest hil keeps each, or {ANOTHER}", store=str(path))
    with store_errors(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            check_regular(path)  # SQLite would wait for a pipe for ever
    if kind := network_disk(path.parent):
        lies = f"lies on a network disk ({kind}), where SQLite is not safe"
        raise StoreError(
            f"{lies}; name a file on a local disk with --store, or a PostgreSQL", store=str(path)
        )
    engine = create_engine("sqlite://", creator=lambda: _connected(path))
    event.listen(engine, "begin", _begin)
    return str(path), engine


def _connected(path: Path) -> sqlite3.Connection:
    """Open a file of SQLite so that a committed transaction survives a kill and a loss of power."""
    connection = sqlite3.connect(path, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    _use_wal(connection)
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to the mode in which one writes while others read.

    SQLite does not wait for a lock here, so this does.
    """
    deadline = time.monotonic() + LOCKED_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                connection.close()
                raise
            time.sleep(0.01)


def _begin(connection: Any) -> None:
    """Begin a transaction; one that writes takes its lock first, so that it waits instead of failing."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
