"""Replay a trace with several policies on one board, after a short bench of what each subnet costs there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import accumulate
from math import ceil

import numpy as np
from numpy.typing import NDArray

from hil.boards.board import Board
from hil.boards.facts import BoardFacts, Provenance
from hil.boards.governing import Cost
from hil.boards.governor import Job
from hil.errors import NotMeasurable
from hil.protocol.hello import Clock
from hil.replay.policy import rules
from hil.replay.run import OUTCOMES, Step, ignore, replay
from hil.replay.scenario import Scenario, scenario
from hil.replay.score import Score, Values, best_worth, score
from hil.replay.source import Source
from hil.results.statistics.quantiles import percentile
from reds.data.catalog import Labels
from reds.errors import PackError
from reds.pack.costs import board_key, costs_of
from reds.pack.pack import Pack
from reds.text import printable

ASSUMED_HZ = 1_000_000_000
"""Instructions in a second that are assumed where a board only counts them."""
SAMPLES = {Provenance.EMULATED: 20, Provenance.HARDWARE: 100}
"""Inferences of each subnet that its cost is measured with. Emulated ones vary only with the input."""
_LEAST_US = 100
"""Time that a job of the smallest subnet takes at least, unless the scenario says otherwise."""
_PERCENT = 99
"""Percentile of the time that a subnet costs."""


@dataclass(frozen=True)
class Examples:
    """Inputs of the jobs, int8 [N, input], and their classes, empty if nobody knows them."""

    x: NDArray[np.int8]
    truth: Labels


@dataclass(frozen=True)
class Asked:
    """Request for a replay: the trace, numbers of the scenario, and policies."""

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
        runs: Inferences of a job.
        costs: Measured costs of a job of each subnet, the smallest first.
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
    runs: int
    costs: tuple[Cost, ...]
    values: Values
    optimum: float
    steps: Mapping[str, tuple[Step, ...]]
    scores: Mapping[str, Score]

    @property
    def tested(self) -> str:
        """Return the policy that the replay is about: the last one."""
        return [*self.steps][-1]

    @property
    def score(self) -> Score:
        """Return the score of the tested policy."""
        return self.scores[self.tested]

    def label(self, policy: str) -> str:
        """Return the name of a policy with its trace, as results have it beside the names of subnets."""
        return printable(f"{policy}, {self.scenario.trace.name}")

    def columns(self) -> tuple[tuple[float, ...], ...]:
        """Return a column for each of `hil.results.measurement.STEPS`, of the tested policy."""
        steps, supply = self.steps[self.tested], self.scenario.supply
        told = [self.scenario.resources(step.job, step.stored_pj) for step in steps]
        return (
            tuple(income // supply.period_us for income in supply.income),
            tuple(now.load_percent for now in told),
            tuple(now.deadline_us for now in told),
            tuple(step.stored_pj // 1000 for step in steps),
            tuple(0 if step.subnet is None else 1 + step.subnet for step in steps),
            tuple(OUTCOMES.index(step.outcome) for step in steps),
        )

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
    single = [_ticks(board, subnet, clock, examples.x) for subnet in range(len(pack.model.subnets))]
    runs = int(asked.numbers.get("runs", -(-_LEAST_US // _us(percentile(single[0], _PERCENT), hz))))
    measured = [[ticks * runs for ticks in each] for each in single]
    slow = accumulate((_us(percentile(ticks, _PERCENT), hz) for ticks in measured), max)  # never falling
    times = [Cost(us) for us in slow]
    there = scenario(asked.source, {**stated_power(pack, board.facts()), **asked.numbers}, times)
    costs = tuple(Cost(cost.us, ceil(cost.us * there.power_uw / 1000)) for cost in times)
    names = [subnet.name for subnet in pack.model.subnets]
    advance = begin(there.supply.jobs * len(asked.policies))
    steps: dict[str, tuple[Step, ...]] = {}
    for done, policy in enumerate(asked.policies):
        before = done * there.supply.jobs
        governor = board.govern(
            rules(policy, names, there), costs, clock, Job(examples.x, runs), None if clock.hz else hz
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
    return Replay(
        board.facts(), pack, clock, hz, there, runs, costs, values, best / values.examples, steps, scores
    )


def stated_power(pack: Pack, board: BoardFacts) -> Mapping[str, Fraction]:
    """Return the power by the costs of this board on the pack's card, none without energies there."""
    try:
        _, _, costs = costs_of(pack.path, board_key(board.name, str(board.provenance)))
    except PackError:
        return {}
    energies = [each.nj for each in costs.subnets]
    if not all(energies):
        return {}
    nanojoules = sum((Fraction(nj) for nj in energies if nj), Fraction(0))
    us = sum((Fraction(each.us) for each in costs.subnets), Fraction(0))
    return {"power_mw": nanojoules / us}


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
    return board.measure(subnet, SAMPLES[board.facts().provenance], clock, x).ticks


def _us(ticks: float, hz: int) -> int:
    return max(1, ceil(Fraction(int(ticks) * 1_000_000, hz)))
