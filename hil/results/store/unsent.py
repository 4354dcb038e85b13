"""Keep a run on this machine while the server of its store cannot be used, and send it later.

Each such run has a file of SQLite of its own, in a folder of the user's data folder for its store:

    unsent/STORE/store.txt                         the URL, without a password
    unsent/STORE/20261128-210256-4827f1c9.sqlite   a store with one run
    unsent/STORE/20261128-210256-4827f1c9.lock     locked by the run that writes it, or by who sends it

So a run that is killed loses nothing that was kept, and the kernel gives its lock back. A file holds the
whole run, also what the server has of it already, and takes its place there: sent twice, it is there once.
"""

import fcntl
import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import platformdirs

from hil.errors import StoreError
from hil.results.store.copying import copy_run
from hil.results.store.engine import open_store, same_server
from hil.results.store.faults import store_errors
from hil.results.store.store import Store
from reds.files import write_atomically

_NAME = "store.txt"
_MOST_BYTES = 4096
"""Most bytes of a URL that are read."""


@dataclass(frozen=True)
class Sent:
    """The runs that were sent to a store.

    Attributes:
        sent: Ids of runs that the store has now.
        faults: Errors that kept runs here, by the id of the run.
        busy: Ids of runs that another process is writing or sending.
    """

    sent: tuple[str, ...]
    faults: Mapping[str, StoreError]
    busy: tuple[str, ...]


def waiting(apart_from: Store | None = None) -> dict[str, int]:
    """Return the number of runs that wait on this machine, by the name of their store.

    Args:
        apart_from: A store whose runs are left out.
    """
    found = {_name(folder): len(_files(folder)) for folder in _folders()}
    return {
        name: count
        for name, count in found.items()
        if count and not (apart_from and same_server(name) == same_server(apart_from.name))
    }


@contextmanager
def kept_here(name: str, run_id: str) -> Iterator[Store]:
    """Yield a store on this machine for one run; nobody sends the run before the end of the block.

    Args:
        name: Name of the store that shall have the run.
        run_id: The run.

    Raises:
        StoreError: The user's data folder cannot be written.
    """
    folder = _root() / hashlib.sha256(same_server(name).encode()).hexdigest()[:16]
    path = folder / f"{run_id}.sqlite"
    with store_errors(str(path)):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _NAME, f"{name}\n".encode())
        lock = _locked(path)
    if lock is None:
        raise StoreError("another process writes this run; run again", store=str(path))
    try:
        with open_store(str(path)) as store:
            yield store
    finally:
        os.close(lock)


def send(store: Store, everything: bool = False, seconds: float = math.inf) -> Sent:
    """Send the runs that wait on this machine, the oldest first, each in one transaction.

    A run whose file is damaged stays, and those after it are sent. Without the server none is tried further.

    Args:
        store: The store, which is open.
        everything: Also send runs that wait for other stores.
        seconds: No further run is begun after this time.
    """
    sent: list[str] = []
    faults: dict[str, StoreError] = {}
    busy: list[str] = []
    ends = monotonic() + seconds
    mine = same_server(store.name)
    here = [folder for folder in _folders() if everything or same_server(_name(folder)) == mine]
    for path in sorted((path for folder in here for path in _files(folder)), key=lambda path: path.name):
        if monotonic() > ends:
            break
        try:
            with store_errors(str(path)), _taken(path) as free:
                if free:
                    sent += _send(path, store)
                elif path.exists():
                    busy.append(path.stem)
        except StoreError as error:
            faults[path.stem] = error
            if error.gone:
                break
    return Sent(tuple(sent), faults, tuple(busy))


def _send(path: Path, store: Store) -> list[str]:
    """Send the run of a file, and remove the file; return its id, nothing if no run was begun in it."""
    with open_store(str(path), new=False) as source:
        runs = [run.id for run in source.runs()]
        for run_id in runs:
            copy_run(source, store, run_id)
    for suffix in ("-wal", "-shm", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    return runs


@contextmanager
def _taken(path: Path) -> Iterator[bool]:
    """Yield whether a file is this process's to send: it is there, and nobody else writes or sends it."""
    lock = _locked(path)
    if lock is None:
        yield False
        return
    try:
        yield path.exists()
        if not path.exists():
            path.with_suffix(".lock").unlink(missing_ok=True)
    finally:
        os.close(lock)


def _locked(path: Path) -> int | None:
    """Return the open lock of a file, None if another process holds it."""
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:
        os.close(lock)
        raise
    return lock


def _root() -> Path:
    return platformdirs.user_data_path("reds-hil") / "unsent"


def _folders() -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in _root().iterdir() if path.is_dir())
    return []


def _files(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.glob("*.sqlite"))
    return []


def _name(folder: Path) -> str:
    """Return the name of the store for which a folder keeps runs."""
    with suppress(OSError, UnicodeDecodeError), (folder / _NAME).open("rb") as file:
        return file.read(_MOST_BYTES).decode().strip()
    return ""
