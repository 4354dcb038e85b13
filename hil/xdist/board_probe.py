"""Probe each board once under pytest-xdist, in the first process that asks.

All workers must collect the same tests, but a board may answer once and not the next time. Some SSH servers
also lock out whoever connects too often.
"""

import fcntl
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.boards.entry import Entry
from hil.lifetime.folder import TemporaryFolder
from hil.xdist.worker import end_with_owner

Probe = Callable[[Entry], str | None]
"""Returns why a board is absent, or None."""
_FOLDER = "hil_probes"
_SHARED = pytest.StashKey[str]()


def share(node: Any) -> None:
    """Tell a worker that is about to start where the answers are kept; `node` is xdist's."""
    config: pytest.Config = node.config
    if _SHARED not in config.stash:
        folder = TemporaryFolder("probes")
        config.add_cleanup(folder.remove)
        config.stash[_SHARED] = str(folder.path)
    node.workerinput[_FOLDER] = config.stash[_SHARED]


def shared_folder(config: pytest.Config) -> Path | None:
    """Return the folder that the processes of this run share; None without xdist."""
    shared = getattr(config, "workerinput", {}).get(_FOLDER) or config.stash.get(_SHARED, None)
    return Path(shared) if shared else None


def once(config: pytest.Config, probe: Probe) -> Probe:
    """Return a probe that asks only if no other process of this run has asked."""
    folder = shared_folder(config)
    if folder is None:
        return probe
    if hasattr(config, "workerinput"):
        end_with_owner(folder)

    def answered(entry: Entry) -> str | None:
        answer: str | None = ask_once(config, repr(entry), lambda: probe(entry))
        return answer

    return answered


def ask_once(config: pytest.Config, question: str, ask: Callable[[], Any]) -> Any:
    """Return the answer to a question, as JSON keeps it, from the first process of this run that asks."""
    folder = shared_folder(config)
    if folder is None:
        return ask()
    file = folder / hashlib.sha256(question.encode()).hexdigest()
    with (folder / "probing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            partial = file.with_suffix(".partial")  # a worker that is killed leaves no half of an answer
            partial.write_text(json.dumps(ask()))
            partial.replace(file)
        return json.loads(file.read_text())
