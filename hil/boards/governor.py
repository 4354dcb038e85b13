"""Let a governor on a board choose the subnet of each job, run it there, and read what each step took."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hil.boards.checks import check_timed, no_refusal
from hil.boards.governing import Cost, Resources, Rules
from hil.errors import AgentError, GovernorRefused, ProtocolError
from hil.protocol.agent import Agent
from hil.protocol.definition import COST, DECIDE, DECISION, GOVERN, WAIT, Fault
from hil.protocol.hello import Clock
from hil.results.plausible import INFERENCES
from reds.pack.interpreter import clamp_input
from reds.pack.model import Model


@dataclass(frozen=True)
class Decision:
    """Choice of a governor, with the cost of each step: ticks of its clock less those of reading it.

    Attributes:
        subnet: The chosen subnet, None to wait; then only `choose` took time.
        choose: Ticks of choosing.
        select: Ticks of selecting the subnet.
        inference: Ticks of the job's inferences.
        learn: Ticks in which the governor learned what the job took.
        output: int8 [output] of the last inference, None without one.
        hz: Ticks of the clock in a second.
    """

    subnet: int | None
    choose: int
    select: int
    inference: int
    learn: int
    output: NDArray[np.int8] | None
    hz: int

    @property
    def overhead(self) -> int:
        """Return the ticks of everything but the inferences."""
        return self.choose + self.select + self.learn

    def microseconds(self, ticks: int) -> Fraction:
        """Return ticks of this decision in microseconds, exactly."""
        return Fraction(ticks * 1_000_000, self.hz)


@dataclass(frozen=True)
class Job:
    """The work that a governor chooses a subnet for.

    Attributes:
        x: Inputs, int8 [N, input]; each job runs one of them.
        runs: Inferences of that input in a job, 1 to 65,535.
    """

    x: NDArray[np.int8]
    runs: int = 1


class Governor:
    """A governor that runs on a board, begun by `Board.govern`.

    Args:
        board: Name of the board.
        agent: Its agent.
        model: The deployed pack.
        job: Inputs and inferences of the jobs.
        held: Inputs that the board holds at once.
        clock: The clock that times each step.
        hz: Ticks of that clock in a second.
        real: Whether ticks are the time of a real board.
        work: Seconds that a job of the largest subnet may take.
    """

    def __init__(
        self, board: str, agent: Agent, model: Model, job: Job, held: int, clock: Clock, hz: int, real: bool,
        work: float,
    ) -> None:  # fmt: skip
        self._board, self._agent, self._model, self._job = board, agent, model, job
        self._held, self._clock, self._hz, self._real, self._work = held, clock, hz, real, work

    def begin(self, rules: Rules, costs: Sequence[Cost]) -> None:
        """Begin on the board with these rules and a cost of each subnet, smallest first.

        Raises:
            GovernorRefused: The governor refuses the rules or costs; the text is its sentence.
        """
        told = GOVERN.pack(
            rules.policy, rules.margin_percent, rules.patience, rules.fixed, rules.hot_celsius,
            self._clock.index, 0, self._job.runs, self._hz, rules.period_us, rules.horizon_us,
            rules.target_nj, rules.reserve_nj,
        )  # fmt: skip
        if len(costs) != len(self._model.subnets):
            lines = f"{len(costs)} costs for the {len(self._model.subnets)} subnets of {self._model.name}"
            raise GovernorRefused(f"there are {lines}; state one for each", board=self._board)
        try:
            with no_refusal(self._board, but=(Fault.BAD_RULES, Fault.UNABLE)):
                self._agent.govern(told + b"".join(COST.pack(cost.us, cost.nj) for cost in costs))
        except AgentError as error:
            raise GovernorRefused(error.text, board=self._board) from error

    def decide(self, now: Resources, row: int) -> Decision:
        """Let the governor choose by these resources, and run a job on an input.

        Args:
            now: What the device knows.
            row: Index of the input; beyond the last one they begin again.

        Raises:
            ProtocolError: The answer cannot be.
        """
        row %= len(self._job.x)
        first = row // self._held * self._held
        batch = self._job.x[first : first + self._held]
        request = DECIDE.pack(
            now.stored_nj, now.income_uw, now.deadline_us, now.load_percent, 0, now.celsius, row - first
        )
        sizes = [self._model.output_size(subnet) for subnet in range(len(self._model.subnets))]
        with no_refusal(self._board):
            self._agent.inputs(len(batch), clamp_input(batch).tobytes())
            begun = time.monotonic()
            answer = self._agent.decide(request, sizes, self._work)
            return self._read(answer, sizes, time.monotonic() - begun)

    def _read(self, answer: bytes, sizes: Sequence[int], seconds: float) -> Decision:
        """Return the decision of an answer that arrived after so many seconds."""
        told = DECISION.read(answer)
        subnet, overhead = told["subnet"], told["overhead"]
        output = answer[DECISION.size :]
        steps = {name: told[name] for name in ("choose", "select", "inference", "learn")}
        if subnet == WAIT:
            whole = not output and not any(steps[name] for name in ("select", "inference", "learn"))
        else:
            whole = subnet < len(sizes) and len(output) == sizes[subnet]
        if not whole:
            odd = f"its governor chose subnet {subnet} of {len(sizes)} with {len(output)} bytes of output"
            raise ProtocolError(f"{odd}; upload the agent again", board=self._board)
        if subnet != WAIT:
            timed = {INFERENCES: [steps["inference"]]}
            check_timed(self._board, self._real, self._clock, overhead, seconds, timed)
        ticks = {name: max(0, taken - overhead) for name, taken in steps.items()}
        if subnet == WAIT:
            return Decision(None, ticks["choose"], 0, 0, 0, None, self._hz)
        return Decision(subnet, **ticks, output=np.frombuffer(output, np.int8), hz=self._hz)
