"""Replay one policy: the board makes every decision and runs every inference, the model does the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hil.boards.governing import Cost, Resources
from hil.boards.governor import Decision
from hil.replay.model import IDLE, Draw, Supply
from hil.replay.scenario import Scenario
from reds.data.catalog import Labels


class Outcome(StrEnum):
    """Outcome of a job. Only an answer in time is met; all others are misses."""

    MET = "met"
    LATE = "late"
    LOST = "lost"
    WAITED = "waited"
    OFF = "off"
    BUSY = "busy"


OUTCOMES = tuple(Outcome)
"""All outcomes; results have their indices."""


class Governor(Protocol):
    """A governor that has begun on a board."""

    def decide(self, now: Resources, row: int) -> Decision:
        """Choose by these resources, and run the choice on an input."""
        ...


@dataclass(frozen=True)
class Step:
    """One job of a replay.

    Attributes:
        job: Its number.
        stored_pj: Energy at its arrival.
        outcome: What became of it: met; late; lost in a brown-out; waited, as the governor chose; off; or
            busy, as an inference of an earlier job still ran.
        subnet: The subnet that ran, None if none did.
        us: Microseconds from its arrival to its answer.
        overhead: Ticks of choosing, selecting and learning.
        inference: Ticks of the inference.
        right: Whether the answer is right; False without a label or an answer in time.
        browned: Whether the device browned out until the next job.
        avoidable_miss: Whether a smaller subnet would have met the deadline of this late answer.
        avoidable_brown_out: Whether a smaller subnet, or none, would have avoided this brown-out.
        used_pj: Energy drawn until the next job.
        spilled_pj: Income that the full capacitor could not take.
    """

    job: int
    stored_pj: int
    outcome: Outcome
    subnet: int | None = None
    us: int = 0
    overhead: int = 0
    inference: int = 0
    right: bool = False
    browned: bool = False
    avoidable_miss: bool = False
    avoidable_brown_out: bool = False
    used_pj: int = 0
    spilled_pj: int = 0


def ignore(done: int) -> None:
    """Ignore the progress of a replay."""


def replay(
    scenario: Scenario,
    governor: Governor,
    costs: Sequence[Cost],
    truth: Labels,
    advance: Callable[[int], None] = ignore,
) -> tuple[Step, ...]:
    """Return the steps of one policy over the whole trace.

    Args:
        scenario: The trace and the device.
        governor: The governor, begun with the policy's rules. Job i runs input i, modulo their number.
        costs: Measured costs of the subnets, by which a smaller one would have done better.
        truth: Classes of the inputs; empty if there are none.
        advance: Called with the number of jobs that are done.
    """
    supply = scenario.supply
    stored, on = np.array([scenario.start_pj], np.int64), np.ones(1, np.bool_)
    steps: list[Step] = []
    while len(steps) < supply.jobs:
        job = len(steps)
        now = scenario.resources(job, int(stored[0]))
        decision = governor.decide(now, job) if on[0] else None
        draw = stretched(_draw(decision, scenario.power_uw), now) if decision else IDLE
        after = supply.after(job, stored, on, draw)
        step = Step(job, int(stored[0]), Outcome.OFF, browned=bool(after.browned[0]))
        if decision:
            step = _decided(step, decision, draw.us, now, bool(after.answered[0]), truth)
            smaller = [stretched(cost_draw(cost, scenario.power_uw), now) for cost in costs[: step.subnet]]
            late, lost = step.outcome is Outcome.LATE, step.browned and step.subnet is not None
            step = replace(
                step,
                avoidable_miss=late and any(other.us <= now.deadline_us for other in smaller),
                avoidable_brown_out=lost
                and any(_survives(supply, job, after.job, stored, other) for other in (IDLE, *smaller)),
            )
        steps.append(replace(step, used_pj=int(after.used[0]), spilled_pj=int(after.spilled[0])))
        steps += [Step(busy, 0, Outcome.BUSY) for busy in range(job + 1, min(after.job, supply.jobs))]
        stored, on = after.stored, after.on
        advance(len(steps))
    return tuple(steps)


def cost_draw(cost: Cost, power_uw: int) -> Draw:
    """Return what an inference of this cost draws on an idle processor."""
    return Draw(cost.us, cost.us * power_uw)


def stretched(draw: Draw, now: Resources) -> Draw:
    """Return what an inference draws beside other work, which makes it longer."""
    return Draw(-(-draw.us * 100 // (100 - now.load_percent)), draw.pj)


def _draw(decision: Decision, power_uw: int) -> Draw:
    return cost_draw(
        Cost(max(1, ceil(decision.microseconds(decision.overhead + decision.inference)))), power_uw
    )


def _decided(step: Step, decision: Decision, us: int, now: Resources, answered: bool, truth: Labels) -> Step:
    """Return a step with what the governor chose and the board answered."""
    step = replace(step, subnet=decision.subnet, us=us, overhead=decision.overhead)
    if decision.subnet is None or decision.output is None:
        return replace(step, outcome=Outcome.WAITED)
    step = replace(step, inference=decision.inference)
    if not answered:
        return replace(step, outcome=Outcome.LOST)
    if us > now.deadline_us:
        return replace(step, outcome=Outcome.LATE)
    right = bool(len(truth)) and int(np.argmax(decision.output)) == int(truth[step.job % len(truth)])
    return replace(step, outcome=Outcome.MET, right=right)


def _survives(supply: Supply, job: int, until: int, stored: NDArray[np.int64], draw: Draw) -> bool:
    """Return whether the device does not brown out before a later job if it draws this now."""
    on = np.ones(1, np.bool_)
    while job < until:
        after = supply.after(job, stored, on, draw)
        if after.browned[0]:
            return False
        job, stored, draw = after.job, after.stored, IDLE
    return True
