"""Use a board over a faulty stream as a bench does: connect, deploy, then some operations, then close."""

import os
import random
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hil.boards import board as boards
from hil.boards.board import START_SECONDS, Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.errors import AgentError, DeadlineError, HilError, LinkError, PackRefused, ProtocolError, SetupError
from hil.firmware import upload
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.transports.deadline import Deadline
from hil.transports.transport import Transport
from tests.chaos.faults import NONE, Fault
from tests.chaos.judge import Judge
from tests.chaos.kind import LEFT
from tests.chaos.operations import Operations, draw_model
from tests.chaos.remains import held, remaining
from tests.chaos.watched import Watched

PATIENCE = 1.0
"""Seconds that a request may take: less than on a bench, so that many faults fit in an hour."""
UNSPOILED_SECONDS = 20.0
"""The same without a fault, where a busy machine must not make a difference."""
_OPERATIONS = 3
_RIGHT = (LinkError, ProtocolError, AgentError)
_OF_LIES = (SetupError, PackRefused)
LOOK_SECONDS, STORE_SECONDS = 2.0, 4.0
"""Shorter deadlines of looking for an agent and of storing it."""


class Unavailable(Exception):  # noqa: N818, it names a state of this machine
    """This machine lacks what a kind needs."""


@dataclass(frozen=True)
class Link:
    """A way to an agent.

    Attributes:
        connect: Opens the stream.
        connect_seconds: Deadline of that.
        close_seconds: Deadline of closing it.
        right: Errors that a fault of this way may cause, beside those of a link.
        target: The target that the agent names.
        provenance: The provenance that it names.
        server: The process below which it runs, None if it runs below whoever connects.
        proxy: The process in the stream to the server, if there is one.
    """

    connect: Callable[[], AbstractContextManager[Transport]]
    connect_seconds: float
    close_seconds: float
    right: tuple[type[HilError], ...] = ()
    target: str = "desktop"
    provenance: Provenance = Provenance.HARDWARE
    server: int | None = None
    proxy: subprocess.Popen[bytes] | None = None


Way = Callable[[Path, Fault, ExitStack], Link]
"""Prepares a link with a fault: gets a folder, the fault, and a stack of what ends with the run."""


def run(link: Link, fault: Fault, seed: int, temporary: Path) -> Judge:
    """Use a board over the link, and return what came of it. Changes the process that it runs in.

    Args:
        link: Way to the agent.
        fault: What is wrong with it.
        seed: Seed of the operations.
        temporary: An empty folder for temporary files.
    """
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    patience = PATIENCE if fault.name != NONE else UNSPOILED_SECONDS
    _set(boards, "START_SECONDS", patience)
    _set(upload, "LOOK_SECONDS", LOOK_SECONDS)
    _set(upload, "STORE_SECONDS", STORE_SECONDS)
    judge = Judge((*_RIGHT, *link.right, *(_OF_LIES if fault.lies else ())))
    before = held(temporary)
    stack = ExitStack()
    opened: list[Transport] = []
    judge.judged("connect", link.connect_seconds, lambda: opened.append(stack.enter_context(link.connect())))
    if opened:
        watched = Watched(opened[0])
        _use(link, watched, judge, fault, random.Random(seed), patience)
        judge.late("a read or write", watched.overrun)
        judge.judged("close", link.close_seconds, stack.close)
    if fault.name == NONE and judge.verdict != "passed":
        judge.violate(f"without a fault the verdict was {judge.verdict}")
    for name in remaining(lambda: held(temporary) - before):
        judge.violate(LEFT + name)
    return judge


def _use(
    link: Link, watched: Watched, judge: Judge, fault: Fault, rng: random.Random, patience: float
) -> None:
    agent, entry = Agent(watched, "desk", patience), Entry("desk", link.target)
    made: list[tuple[Board, Hello]] = []
    seconds = max(START_SECONDS, patience)

    def hello() -> None:
        answer = agent.hello(Deadline.after(seconds))
        made.append((Board(entry, link.provenance, agent, answer), answer))

    judge.judged("hello", seconds, hello)
    if not made:
        return
    use = Operations(*made[0], draw_model(rng), fault, judge, rng, patience)
    deployed, choices = False, [use.infer, use.measure, use.measure_switch, use.reset, use.deploy]
    for work in [use.deploy, *rng.choices(choices, [4, 3, 3, 1, 1], k=_OPERATIONS)]:
        work = work if deployed else use.deploy
        error = work()
        if isinstance(error, LinkError) and not isinstance(error, DeadlineError):
            return
        if work == use.deploy:
            deployed = error is None


def _set(module: ModuleType, name: str, seconds: float) -> None:
    """Set a deadline of the bench for this process. Raises `AttributeError` if there is none of this name."""
    getattr(module, name)
    setattr(module, name, seconds)
