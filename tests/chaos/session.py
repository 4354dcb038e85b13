"""Use a board over a faulty stream as a bench does: connect, deploy, then some operations, then close."""

import math
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hil.boards import board as boards
from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.errors import AgentError, DeadlineError, HilError, LinkError, PackRefused, ProtocolError, SetupError
from hil.protocol.agent import Agent
from hil.protocol.hello import Hello
from hil.results.samples import Samples
from hil.transports.deadline import Deadline
from hil.transports.transport import Transport
from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from tests.chaos.faults import NONE, Fault
from tests.chaos.judge import Judge, Wrong
from tests.chaos.kind import LEFT
from tests.chaos.remains import held, remaining
from tests.chaos.watched import Watched
from tests.support.nets import dense_model, dnn_s, inputs

PATIENCE = 1.0
"""Seconds that a request may take: less than on a bench, so that many faults fit in an hour."""
UNSPOILED_SECONDS = 20.0
"""The same without a fault, where a busy machine must not make a difference."""
_OPERATIONS = 3
_RIGHT = (LinkError, ProtocolError, AgentError)
_RIGHT_FOR_LIES = (*_RIGHT, SetupError, PackRefused)
Connect = Callable[[Deadline], AbstractContextManager[Transport]]


@dataclass(frozen=True)
class Link:
    """A way to an agent. The deadlines are in seconds.

    `server` is the process below which the agent runs, None if it runs below whoever connects. `proxy`
    stands between both, if there is one.
    """

    connect: Connect
    connect_seconds: float
    close_seconds: float
    server: int | None = None
    proxy: subprocess.Popen[bytes] | None = None


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
    if not hasattr(boards, "START_SECONDS"):
        raise AttributeError("hil.boards.board has no START_SECONDS to change")
    boards.START_SECONDS = patience
    judge = Judge(_RIGHT_FOR_LIES if fault.lies else _RIGHT)
    before = held(temporary)
    stack = ExitStack()
    opened: list[Transport] = []
    deadline = Deadline.after(link.connect_seconds)
    judge.judged(
        "connect", link.connect_seconds, lambda: opened.append(stack.enter_context(link.connect(deadline)))
    )
    if opened:
        watched = Watched(opened[0])
        _use(watched, judge, fault, random.Random(seed), patience)
        judge.late("a read or write", watched.overrun)
        judge.judged("close", link.close_seconds, stack.close)
    if fault.name == NONE and judge.verdict != "passed":
        judge.violate(f"without a fault the verdict was {judge.verdict}")
    for name in remaining(lambda: held(temporary) - before):
        judge.violate(LEFT + name)
    return judge


def _use(watched: Watched, judge: Judge, fault: Fault, rng: random.Random, patience: float) -> None:
    agent, entry = Agent(watched, "desk", patience), Entry("desk", "desktop")
    made: list[tuple[Board, Hello]] = []

    def hello() -> None:
        answer = agent.hello(Deadline.after(2 * patience))
        made.append((Board(entry, Provenance.HARDWARE, agent, answer), answer))

    judge.judged("hello", 2 * patience, hello)
    if not made:
        return
    use = Use(*made[0], _model(rng), fault, judge, rng, patience)
    deployed, choices = False, [use.infer, use.measure, use.measure_switch, use.reset, use.deploy]
    for work in [use.deploy, *rng.choices(choices, [4, 3, 3, 1, 1], k=_OPERATIONS)]:
        work = work if deployed else use.deploy
        error = work()
        if isinstance(error, LinkError) and not isinstance(error, DeadlineError):
            return
        if work == use.deploy:
            deployed = error is None


class Use:
    """The operations on one board, each judged."""

    def __init__(
        self,
        board: Board,
        hello: Hello,
        model: Model,
        fault: Fault,
        judge: Judge,
        rng: random.Random,
        patience: float,
    ) -> None:
        self._board, self._hello, self._model = board, hello, model
        self._fault, self._judge, self._rng, self._patience = fault, judge, rng, patience

    def deploy(self) -> HilError | None:
        piece = max(1, (self._hello.max_payload - 4) // 4 * 4)
        requests = 2 + math.ceil(len(pack.dumps(self._model)) / piece)
        return self._judged("deploy", requests, lambda: self._board.deploy(self._model))

    def infer(self) -> HilError | None:
        x = inputs(self._model, self._rng.choice([1, 7, 40]))
        subnet = self._rng.randrange(len(self._model.subnets))
        model, hello = self._model, self._hello
        size = min(hello.input_bytes // model.input_size, hello.max_payload // model.output_size(subnet))
        batches = math.ceil(len(x) / max(1, size))
        requests = 2 * batches + self._pieces(len(x)) + batches

        def work() -> None:
            (out,) = self._board.infer_each([subnet], x)
            self._compare(out, interpreter.run(model, subnet, x))

        return self._judged("infer", requests, work)

    def measure(self) -> HilError | None:
        clock, n = self._hello.clocks[0] if self._hello.clocks else None, self._rng.choice([1, 20, 300])
        x = inputs(self._model, 8)

        def work() -> None:
            if clock is not None:
                begun = time.monotonic()
                samples = self._board.measure(1, n, clock, x)
                _check(samples, n, time.monotonic() - begun)

        return self._judged("measure", 1 + self._pieces(len(x)), work)

    def measure_switch(self) -> HilError | None:
        clock, n = self._hello.clocks[0] if self._hello.clocks else None, self._rng.choice([1, 20, 300])
        x, model = inputs(self._model, 8), self._model

        def work() -> None:
            if clock is not None:
                begun = time.monotonic()
                switches = self._board.measure_switch((0, 1), n, clock, x)
                _check(switches.first, n, time.monotonic() - begun)
                self._compare(switches.outputs, interpreter.run(model, 1, x[switches.rows]))

        return self._judged("measure_switch", 1 + self._pieces(len(x)), work)

    def reset(self) -> HilError | None:
        return self._judged("reset", 1, self._board.reset)

    def _judged(self, name: str, requests: int, work: Callable[[], object]) -> HilError | None:
        """Judge an operation of so many requests, each sent again if its frame or its answer is damaged."""
        return self._judge.judged(name, 2 * requests * self._patience, work)

    def _pieces(self, count: int) -> int:
        """Return how many requests carry so many inputs."""
        return math.ceil(count * self._model.input_size / max(1, self._hello.max_payload - 4)) + count // 8

    def _compare(self, out: np.ndarray, expected: np.ndarray) -> None:
        """Find outputs that the interpreter does not give: a bench sees those of a lying agent so too."""
        if not np.array_equal(out, expected):
            if not self._fault.lies:
                raise Wrong("outputs were accepted that the interpreter does not give")
            self._judge.verdict = "wrong outputs seen"


def _model(rng: random.Random) -> Model:
    if rng.random() < 0.1:
        return dnn_s()
    return dense_model([20, 24, 16, 5], [[8, 8, 5], [24, 16, 5]], name="small")


def _check(samples: Samples, n: int, seconds: float) -> None:
    """Raise `Wrong` if these cannot be the times of n inferences that took so many seconds in all."""
    if len(samples.ticks) != n:
        raise Wrong(f"{len(samples.ticks)} samples came, not {n}")
    if not any(samples.ticks):
        raise Wrong(f"all of {n} inferences took no time")
    if samples.clock.hz and sum(samples.ticks) / samples.clock.hz > seconds:
        took = sum(samples.ticks) / samples.clock.hz
        raise Wrong(f"{n} inferences took {took:.3g} s, but the request for them {seconds:.3g} s")
