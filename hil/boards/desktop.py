"""The machine that the tests run on: the agent is a process, its times are real and do not repeat."""

from collections.abc import Iterator
from contextlib import contextmanager

from hil import build
from hil.boards.board import START_SECONDS, Board, Provenance, naming
from hil.boards.boardsfile import Entry
from hil.errors import BoardsFileError
from hil.link.agent import Agent
from hil.link.deadline import Deadline
from hil.link.process import ProcessTransport

HAS_EMULATOR = False


def absent(entry: Entry) -> str | None:
    """Never."""
    return None


@contextmanager
def start(entry: Entry, provenance: Provenance) -> Iterator[Board]:
    """Build the agent, unless the entry names one, and run it. Raises `BoardsFileError` if it is not here."""
    for key in ("port", "serial", "host"):
        if getattr(entry, key):
            raise BoardsFileError(f"{entry.name}: `{key}` is for a board on a port, not a desktop; remove it")
    with naming(entry):
        transport = ProcessTransport(entry.agent or build.agent("desktop"))
    with Agent(transport, entry.name) as agent:
        yield Board(entry, provenance, agent, agent.hello(Deadline.after(START_SECONDS)))
