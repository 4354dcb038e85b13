"""Replay a trace with several policies on one board, after a short bench of what each subnet costs there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.facts import BoardFacts
from hil.boards.governing import Cost
from hil.boards.governor import Job
from hil.errors import NotMeasurable
from hil.protocol.hello import Clock
from hil.replay.policy import rules
from hil.replay.run import Step, ignore, replay
from hil.replay.scenario import Scenario, scenario
from hil.replay.score import Score, Values, best_worth, score
from hil.replay.source import Source
from hil.results.statistics.quantiles import percentile
from reds.pack.pack import Pack

ASSUMED_HZ = 1_000_000_000
"""Instructions in a second that are assumed where a board only counts them."""
SAMPLES = 20
"""Inferences of each subnet that its cost is measured with."""
_PERCENT = 99
"""Percentile of the time that a subnet costs."""


@dataclass(frozen=True)
class Examples:
    """Inputs of the jobs, int8 [N, input], and their classes, empty if nobody knows them."""

    x: NDArray[np.int8]
    truth: NDArray[np.uint8]


@dataclass(frozen=True)
class Asked:
    """What a user asks of a replay: the trace, numbers of the scenario, and policies."""

    source: Source
    numbers: Mapping[str, Fraction]
    policies: tuple[str, ...]


@dataclass(frozen=True)
class Replay:
    """Replays of one trace on one board.

    Attributes:
        board: The board.
        pack: The pack.
        clock: The clock that timed each step.
        hz: Ticks of the clock in a second.
        scenario: The trace and the device.
        costs: Measured costs of the subnets, the smallest first.
        values: Worth of the answers.
        optimum: Answers of the offline optimum, each weighed with the accuracy of its subnet.
        steps: Steps of each policy, by its name.
        scores: Scores of each policy, by its name.
    """

    board: BoardFacts
    pack: Pack
    clock: Clock
    hz: int
    scenario: Scenario
    costs: tuple[Cost, ...]
    values: Values
    optimum: float
    steps: Mapping[str, tuple[Step, ...]]
    scores: Mapping[str, Score]

    @property
    def subnets(self) -> tuple[str, ...]:
        """Return the names of the subnets, the smallest first."""
        return tuple(subnet.name for subnet in self.pack.model.subnets)


def replay_on(
    board: Board,
    pack: Pack,
    examples: Examples,
    asked: Asked,
    values: Values,
    begin: Callable[[int], Callable[[int], None]] = lambda total: ignore,
) -> Replay:
    """Replay each policy on a board that has the pack.

    Args:
        board: The board.
        pack: The deployed pack.
        examples: Inputs of the jobs, in turn.
        asked: What the user asks for.
        values: Worth of the answers.
        begin: Called with the number of all jobs; returns a function that is told how many are done.

    Raises:
        NotMeasurable: The board has no clock.
        TraceError: The trace does not fit the pack on this board.
    """
    clock = _clock(board)
    hz = clock.hz or ASSUMED_HZ
    board.settle()
    measured = tuple(_ticks(board, subnet, clock, examples.x) for subnet in range(len(pack.model.subnets)))
    times = [Cost(_us(percentile(ticks, _PERCENT), hz)) for ticks in measured]
    there = scenario(asked.source, asked.numbers, times)
    costs = tuple(Cost(cost.us, ceil(cost.us * there.power_uw / 1000)) for cost in times)
    names = [subnet.name for subnet in pack.model.subnets]
    advance = begin(there.supply.jobs * len(asked.policies))
    steps: dict[str, tuple[Step, ...]] = {}
    for done, policy in enumerate(asked.policies):
        before = done * there.supply.jobs
        governor = board.govern(
            rules(policy, names, there), costs, clock, Job(examples.x), None if clock.hz else hz
        )
        shown = partial(_advance, advance, before)
        steps[policy] = replay(there, governor, costs, examples.truth, shown)
    ran = [s for taken in steps.values() for s in taken if s.subnet is not None and s.inference]
    fastest = [
        Cost(_us(min([*ticks, *(s.inference for s in ran if s.subnet == subnet)]), hz))
        for subnet, ticks in enumerate(measured)
    ]
    best = best_worth(there, values, fastest)
    scores = {policy: score(there, taken, values, best, hz) for policy, taken in steps.items()}
    return Replay(board.facts(), pack, clock, hz, there, costs, values, best / values.examples, steps, scores)


def _advance(advance: Callable[[int], None], before: int, done: int) -> None:
    """Tell how many jobs are done, with those of the policies before."""
    advance(before + done)


def _clock(board: Board) -> Clock:
    """Return the clock that repeats best: cycles, else one that counts time, else instructions."""
    clocks = board.facts().clocks
    if not clocks:
        raise NotMeasurable("it has no clock, so no decision can be timed", board=board.name)
    return min(clocks, key=lambda clock: (clock.name != "cycles", not clock.hz))


def _ticks(board: Board, subnet: int, clock: Clock, x: NDArray[np.int8]) -> Sequence[int]:
    return board.measure(subnet, SAMPLES, clock, x).ticks


def _us(ticks: float, hz: int) -> int:
    return max(1, ceil(Fraction(int(ticks) * 1_000_000, hz)))
