"""Do the operations of a bench on one board, each judged by its deadline and by what it gives."""

import math
import random
import time
from collections.abc import Callable

import numpy as np

from hil.boards.board import SECONDS_PER_MAC, Board
from hil.errors import HilError
from hil.protocol.hello import Clock, Hello
from hil.results.samples import Samples
from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from tests.chaos.faults import Fault
from tests.chaos.judge import Judge, Wrong
from tests.support.nets import dense_model, dnn_s, inputs

PAGE = 512
"""Bytes of a page, which the agent copies if the pack before it has the same."""


class Operations:
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
        size = len(pack.dumps(self._model))
        requests = 3 + math.ceil(size / piece) + math.ceil(size / PAGE)
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

        return self._judged("infer", requests, work, len(x) * model.subnets[subnet].macs)

    def measure(self) -> HilError | None:
        n, x = self._rng.choice([1, 20, 300]), inputs(self._model, 8)

        def work() -> None:
            begun = time.monotonic()
            samples = self._board.measure(1, n, self._clock, x)
            _check(samples, n, time.monotonic() - begun)

        return self._judged("measure", 1 + self._pieces(len(x)), work, n * self._model.subnets[1].macs)

    def measure_switch(self) -> HilError | None:
        n, x, model = self._rng.choice([1, 20, 300]), inputs(self._model, 8), self._model

        def work() -> None:
            begun = time.monotonic()
            switches = self._board.measure_switch((0, 1), n, self._clock, x)
            _check(switches.first, n, time.monotonic() - begun)
            self._compare(switches.outputs, interpreter.run(model, 1, x[switches.rows]))

        macs = n * sum(subnet.macs for subnet in model.subnets[:2])
        return self._judged("measure_switch", 1 + self._pieces(len(x)), work, macs)

    def reset(self) -> HilError | None:
        return self._judged("reset", 1, self._board.reset)

    @property
    def _clock(self) -> Clock:
        """Return the first clock of the board. A hello may name none: then the agent is asked for one."""
        return self._hello.clocks[0] if self._hello.clocks else Clock(0, "none", 0)

    def _judged(self, name: str, requests: int, work: Callable[[], object], macs: int = 0) -> HilError | None:
        """Judge an operation of so many requests, each sent again if its frame or its answer is damaged.

        `macs` is what its inferences compute.
        """
        return self._judge.judged(name, 2 * requests * self._patience + macs * SECONDS_PER_MAC, work)

    def _pieces(self, count: int) -> int:
        """Return how many requests carry so many inputs."""
        return math.ceil(count * self._model.input_size / max(1, self._hello.max_payload - 4)) + count // 8

    def _compare(self, out: np.ndarray, expected: np.ndarray) -> None:
        """Find outputs that the interpreter does not give: a bench sees those of a lying agent so too."""
        if not np.array_equal(out, expected):
            if not self._fault.lies:
                raise Wrong("outputs were accepted that the interpreter does not give")
            self._judge.verdict = "wrong outputs seen"


def draw_model(rng: random.Random) -> Model:
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
