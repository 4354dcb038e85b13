"""Turn errors of a database into `StoreError`, in one line with a remedy and without a password."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from hil.errors import StoreError
from reds.reading import reason

ANOTHER = "name another with --store, or keep none with --store none"
_REMEDIES = {
    "unable to open database file": f"make its folder writable, or {ANOTHER}",
    "readonly database": f"make the file and its folder writable, or {ANOTHER}",
    "database is locked": "end the program that keeps it locked, and run again",
    "disk is full": f"make room there, or {ANOTHER}",
    "disk I/O error": f"check its disk, or {ANOTHER}",
    "not a database": f"move the file away, or {ANOTHER}",
    "malformed": f"the file is damaged: move it away, or {ANOTHER}",
}
"""Remedies by words in SQLite's errors."""
_SERVER = f"check the URL and that the server runs, or {ANOTHER}"

_SOON = ("starting up", "shutting down", "recovery", "too many", "connection slots", "terminating connection")
"""Words of fatal errors that a server ends with soon."""


@contextmanager
def store_errors(name: str) -> Iterator[None]:
    """Raise `StoreError` for what the block raises because of the database.

    Args:
        name: File or URL of the store, without its password.
    """
    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        told = error.orig if isinstance(error, DBAPIError) and error.orig else error
        line = reason(_first_line(told))
        remedy = next((text for words, text in _REMEDIES.items() if words in line), None)
        text = f"cannot be used: {line}; {remedy or _other(error)}"
        raise StoreError(text, store=name, gone=_is_gone(error, line)) from error
    except (zlib.error, ArithmeticError, LookupError, TypeError, ValueError) as error:  # of a damaged row
        raise StoreError(f"holds a damaged row: {reason(error)}; {ANOTHER}", store=name) from error


def _is_gone(error: BaseException, line: str) -> bool:
    """Return whether a server does not answer, or not yet; one that refuses a login or a query does."""
    lost = isinstance(error, OperationalError | InterfaceError) and _is_of_server(error)
    return lost and ("FATAL" not in line or any(words in line for words in _SOON))


def _other(error: BaseException) -> str:
    return _SERVER if _is_of_server(error) else ANOTHER


def _is_of_server(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and "psycopg" in type(error.orig).__module__


def _first_line(error: BaseException) -> Exception:
    """Return an error that says only the first line of another: psycopg adds hints below it."""
    strerror = getattr(error, "strerror", None)
    return Exception(strerror or (str(error).strip().splitlines() or [type(error).__name__])[0])
