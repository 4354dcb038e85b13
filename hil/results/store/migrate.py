"""Bring a database to the newest version of the schema, and refuse one that is newer."""

from importlib.resources import files

from sqlalchemy import Connection, Engine, inspect, text

from hil.errors import StoreError
from hil.results.store.faults import ANOTHER
from hil.results.store.schema import VERSION, VERSIONS

_TABLE = "alembic_version"
_LOCK = 0x72656473
"""Number of PostgreSQL's lock that lets one program at a time change the schema."""


def to_newest(engine: Engine, name: str) -> None:
    """Make or migrate the tables, once if several programs try.

    Args:
        engine: Connects to the database.
        name: Name of the store, for errors.

    Raises:
        StoreError: The database is of a newer version, or of another program.
    """
    with engine.connect() as connection:
        if _version(connection, name) == VERSION:
            return
    upgrade(engine, name, VERSION)


def upgrade(engine: Engine, name: str, version: str) -> None:
    """Run the migrations up to a version, in one transaction.

    Args:
        engine: Connects to the database.
        name: Name of the store, for errors.
        version: The version.

    Raises:
        StoreError: The database is of a newer version, or of another program.
    """
    from alembic import command  # imported here: few runs migrate, and it is slow
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("hil.results.store") / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _version(connection, name) != version:
            config.attributes["connection"] = connection
            command.upgrade(config, version)


def _version(connection: Connection, name: str) -> str | None:
    """Return the version of a database, None if it is empty."""
    tables = inspect(connection).get_table_names()
    if _TABLE not in tables:
        if tables:
            other = f"is a database of another program, with the table {tables[0]}"
            raise StoreError(f"{other}; {ANOTHER}", store=name)
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()
    if found is not None and found not in VERSIONS:
        newer = f"was written by a newer reds-hil (version {found} of the schema, here {VERSION})"
        raise StoreError(f"{newer}; pip install --upgrade reds-hil, or {ANOTHER}", store=name)
    return None if found is None else str(found)
