"""Compare all figures of one subnet with a baseline."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hil.errors import BaselineError
from hil.results.gate.accuracy import judge_accuracy
from hil.results.gate.baseline import Baseline, Figure
from hil.results.gate.counts import judge_count
from hil.results.gate.times import TRIES, is_slower, judge_time, level
from hil.results.gate.verdict import Verdict

Again = Callable[[], Sequence[float]]
"""Measures a time once more."""


@dataclass(frozen=True)
class Count:
    """An exact count of this run.

    Attributes:
        figure: Which count.
        value: The count.
        samples: How many samples it summarizes.
        slack: Change that means nothing.
    """

    figure: Figure
    value: float
    samples: int
    slack: float = 0.0


@dataclass(frozen=True)
class Time:
    """A time of this run in microseconds, and how to measure it again."""

    figure: Figure
    samples: Sequence[float]
    again: Again


def compare_counts(counts: Iterable[Count], baseline: Baseline, labeled: str) -> Iterator[Verdict]:
    """Judge each count that the baseline has.

    Args:
        counts: Counts of this run.
        baseline: The baseline.
        labeled: Checksum of the labeled examples of this run, empty if it has none.

    Raises:
        BaselineError: Counts differ, but they are of other inputs.
    """
    for count in counts:
        if (before := baseline.figures.get(count.figure)) is None:
            continue
        subnet, metric, unit = count.figure
        if abs(count.value - before.value) > count.slack:
            taken = len(before.samples)
            if count.samples != taken:
                differ = f"{subnet} {metric} has {count.samples} samples, {baseline.name} has {taken}"
                raise BaselineError(f"{differ}, of other inputs; run with --samples {taken}")
            if labeled != baseline.labeled:
                differ = f"{subnet} {metric} was counted on other inputs in {baseline.name}"
                raise BaselineError(f"{differ}; accept a run on these with `hil baseline accept`")
        yield judge_count(_named(count.figure), unit, count.value, before.value, count.slack)


def compare_times(times: Iterable[Time], baseline: Baseline) -> Iterator[Verdict]:
    """Judge each time that the baseline has. A time that is slower is measured again until one try is not."""
    for time in times:
        if time.figure not in baseline.figures:
            continue
        usual, tries = level(time.figure[1], baseline.history(time.figure)), [time.samples]
        while is_slower(tries[-1], usual) and len(tries) < TRIES:
            tries.append(time.again())
        yield judge_time(_named(time.figure), tries, usual)


def compare_accuracy(
    subnet: str, answers: Sequence[float], baseline: Baseline, labeled: str
) -> Iterator[Verdict]:
    """Judge the accuracy of a subnet, if the baseline has it.

    Args:
        subnet: Name of the subnet.
        answers: 1 for each right answer of this run, 0 for each wrong one.
        baseline: The baseline.
        labeled: Checksum of the labeled examples of this run.
    """
    before = baseline.figures.get((subnet, "accuracy", "fraction"))
    if before is not None and before.samples and answers:
        same = labeled == baseline.labeled and len(before.samples) == len(answers)
        yield judge_accuracy(answers, before.samples, same)


def counted_units(values: Mapping[str, object]) -> list[str]:
    """Return the units of exact figures, without microseconds that are computed from cycles."""
    return [unit for unit in values if unit != "us" or "cycles" not in values]


def _named(figure: Figure) -> str:
    """Return the name of a figure in texts: its metric, and the pair if it is a switch."""
    subnet, metric, _ = figure
    return f"{metric.replace('_', ' ')}{f' {subnet}' * ('->' in subnet)}"
