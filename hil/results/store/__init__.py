"""Keep every run in a database, SQLite or PostgreSQL, so that runs can be listed and compared.

with open_store() as store:
    newest = store.runs(limit=1)[0]
    store.measurements(newest.id)
"""

from hil.results.store.engine import default_file, open_store, server_name
from hil.results.store.reference import find_run
from hil.results.store.store import Past, Store
from hil.results.store.unsent import Sent, kept_here, send, waiting
from hil.results.store.upkeep import import_file, prune
from hil.results.store.writer import EndedTest, Writer

__all__ = [
    "EndedTest",
    "Past",
    "Sent",
    "Store",
    "Writer",
    "default_file",
    "find_run",
    "import_file",
    "kept_here",
    "open_store",
    "prune",
    "send",
    "server_name",
    "waiting",
]
