"""Score the steps of a policy, beside the offline optimum."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hil.boards.governing import Cost
from hil.replay.optimum import Option, optimum
from hil.replay.run import Outcome, Step, cost_draw, stretched
from hil.replay.scenario import Scenario
from reds.pack.card import shares
from reds.pack.pack import Pack


@dataclass(frozen=True)
class Values:
    """Worth of an answer of each subnet: the labeled examples that it answers rightly, of `examples`.

    Without labeled examples, or their accuracies, each answer is worth 1 of 1. `labeled` says whether the
    jobs' inputs have labels, so that right answers can be counted.
    """

    right: tuple[int, ...]
    examples: int
    labeled: bool = True


def values_of(pack: Pack, examples: int) -> Values:
    """Return what answers of a pack are worth, by the accuracies on its card.

    Args:
        pack: The pack.
        examples: Number of its labeled examples, 0 for none: then each answer is worth 1 of 1.
    """
    names, labeled = [subnet.name for subnet in pack.model.subnets], examples > 0
    try:
        accuracies = shares(pack.card or {}, names, "accuracy", "labelled")
    except ValueError:
        examples = 0
    if examples == 0:
        return Values((1,) * len(names), 1, labeled)
    return Values(tuple(round(accuracy * examples) for accuracy in accuracies), examples)


@dataclass(frozen=True)
class Score:
    """Score of a policy over a trace.

    Attributes:
        jobs: Jobs of the trace.
        met: Answers in time.
        missed: Jobs without one, by what became of them.
        brown_outs: Brown-outs.
        right: Answers in time that are right, None without labels.
        expected: Answers in time, each weighed with the accuracy of its subnet.
        regret: Share of the optimum's worth that the policy missed, 0 to 1.
        joules: Energy drawn, standby included.
        right_per_joule: Right answers in time by joule, 0 if none was drawn, None without labels.
        switches: Inferences of another subnet than the one before.
        of_time: Share of the whole time that choosing, selecting and learning took.
        of_inference: The same, of the time of inferences; 0 if none ran.
        avoidable_misses: Late answers where a smaller subnet would have been in time.
        avoidable_brown_outs: Brown-outs that a smaller subnet or none would have avoided.
    """

    jobs: int
    met: int
    missed: dict[str, int]
    brown_outs: int
    right: int | None
    expected: float
    regret: float
    joules: float
    right_per_joule: float | None
    switches: int
    of_time: float
    of_inference: float
    avoidable_misses: int
    avoidable_brown_outs: int


def score(scenario: Scenario, steps: Sequence[Step], values: Values, best: int, hz: int) -> Score:
    """Return the score of a policy.

    Args:
        scenario: The trace and the device.
        steps: The steps of the policy.
        values: Worth of the answers.
        best: Worth of the offline optimum.
        hz: Ticks of the clock in a second.
    """
    outcomes = Counter(step.outcome for step in steps)
    met = [step.subnet for step in steps if step.outcome is Outcome.MET and step.subnet is not None]
    ran = [step.subnet for step in steps if step.subnet is not None]
    worth = sum(values.right[subnet] for subnet in met)
    right = sum(step.right for step in steps) if values.labeled else None
    joules = sum(step.used_pj for step in steps) / 1e12
    overhead, inference = (
        sum(ticks) for ticks in zip(*((s.overhead, s.inference) for s in steps), strict=True)
    )
    seconds = len(steps) * scenario.supply.period_us / 1e6
    return Score(
        jobs=len(steps),
        met=outcomes[Outcome.MET],
        missed={str(outcome): outcomes[outcome] for outcome in Outcome if outcome is not Outcome.MET},
        brown_outs=sum(step.browned for step in steps),
        right=right,
        expected=worth / values.examples,
        regret=1 - worth / best if best else 0.0,
        joules=joules,
        right_per_joule=None if right is None else right / joules if joules else 0.0,
        switches=sum(a != b for a, b in pairwise(ran)),
        of_time=overhead / hz / seconds,
        of_inference=overhead / inference if inference else 0.0,
        avoidable_misses=sum(step.avoidable_miss for step in steps),
        avoidable_brown_outs=sum(step.avoidable_brown_out for step in steps),
    )


def best_worth(scenario: Scenario, values: Values, fastest: Sequence[Cost]) -> int:
    """Return the worth of the offline optimum.

    Args:
        scenario: The trace and the device.
        values: Worth of the answers.
        fastest: Least time of each subnet that the board took in any job, without deciding: so the optimum is
            no less than that of any other way to choose.
    """
    power = 0 if scenario.supply.mains else scenario.power_uw
    options = []
    for job in range(scenario.supply.jobs):
        now = scenario.resources(job, 0)
        draws = [stretched(cost_draw(cost, power), now) for cost in fastest]
        timely = zip(draws, values.right, strict=True)
        options.append([Option(draw, worth) for draw, worth in timely if draw.us <= now.deadline_us])
    return optimum(scenario.supply, options, scenario.start_pj)
