"""Keep every run in a database, SQLite or PostgreSQL, so that runs can be listed and compared.

with open_store() as store:
    newest = store.runs(limit=1)[0]
    store.measurements(newest.id)
"""

from hil.results.store.engine import default_file, open_store
from hil.results.store.reference import find_run
from hil.results.store.store import Past, Store
from hil.results.store.upkeep import import_file, prune
from hil.results.store.writer import Writer

__all__ = ["Past", "Store", "Writer", "default_file", "find_run", "import_file", "open_store", "prune"]
