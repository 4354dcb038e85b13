"""Judge the measurements of a board against its baseline, subnet by subnet."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from hil.errors import BaselineError, NotMeasurable
from hil.results.gate.baseline import Baseline
from hil.results.gate.compare import (
    Count,
    Time,
    compare_accuracy,
    compare_counts,
    compare_times,
    counted_units,
)
from hil.results.gate.counts import STACK_SLACK
from hil.results.gate.times import AGENTS, FEW_RUNS
from hil.results.gate.verdict import Verdict, sentence, worse
from hil.results.measurement import metric_name
from hil.results.samples import Samples, by_unit
from hil.results.statistics.quantiles import median
from hil.suite.measurements import Measurements
from hil.suite.switch_pairs import Pair, pairs_into

_US = "us"


@dataclass(frozen=True)
class Gate:
    """The gate of a board. Without a baseline it passes, and says so.

    Attributes:
        measurements: Measurements of the board.
        baseline: The baseline, None if there is none yet.
        labeled: Checksum of the labeled examples of this run, empty if it has none.
        named: Whether --baseline names the baseline; `auto` takes what there is.
    """

    measurements: Measurements
    baseline: Baseline | None
    labeled: str
    named: bool

    def judge(self, subnet: int, answers: Sequence[float]) -> tuple[bool, str]:
        """Return whether a subnet is no worse than its baseline, and a sentence that says so.

        Args:
            subnet: Index of the subnet.
            answers: 1 for each right answer of the subnet, 0 for each wrong one; empty without labels.

        Raises:
            BaselineError: The baseline that --baseline names has no figure of the subnet.
        """
        name = self.measurements.workload.subnets[subnet]
        self._settle_in(name)
        if self.baseline is None:
            return True, f"{name}: no baseline yet"
        verdicts = [*self._speed(subnet, self.baseline)]
        verdicts += compare_counts(self._memory(subnet), self.baseline, self.labeled)
        verdicts += compare_accuracy(name, answers, self.baseline, self.labeled)
        if not verdicts:
            lacks = f"{self.baseline.name} has no figure to compare with"
            if self.named:
                raise BaselineError(f"{name}: {lacks}; name a run that measured it")
            return True, f"{name}: {lacks}"
        return not worse(verdicts), sentence(name, self.baseline.name, verdicts)

    def _settle_in(self, name: str) -> None:
        """Measure the latencies of a real board by several agents while it has few earlier runs."""
        if self.named or self.measurements.exact or not self.measurements.leased.facts().clocks:
            return
        figure = name, "latency", _US
        before = self.baseline
        known = before.history(figure) if before and figure in before.figures else ()
        if len(known) < FEW_RUNS:
            self.measurements.measure_by(AGENTS)

    def _speed(self, subnet: int, baseline: Baseline) -> Iterator[Verdict]:
        """Judge latency and switches, where the board has a clock."""
        if not self.measurements.leased.facts().clocks:
            return
        if self.measurements.exact:
            yield from compare_counts(self._counts(subnet), baseline, self.labeled)
        else:
            yield from compare_times(self._times(subnet), baseline)

    def _memory(self, subnet: int) -> Iterator[Count]:
        """Yield the bytes of an inference; none where the board cannot tell."""
        name = self.measurements.workload.subnets[subnet]
        with suppress(NotMeasurable):
            memory = self.measurements.memory(subnet)
            yield Count((name, "stack", "bytes"), memory.stack, 1, STACK_SLACK)
            yield Count((name, "ram", "bytes"), memory.ram, 1, STACK_SLACK)

    def _counts(self, subnet: int) -> Iterator[Count]:
        name = self.measurements.workload.subnets[subnet]
        for unit, values in _counted(self.measurements.latency(subnet)):
            yield Count((name, metric_name("latency", unit), unit), median(values), len(values))
        for pair in self._pairs(subnet):
            name = self.measurements.workload.pair(pair)
            switch = self.measurements.switch(pair)
            for unit, values in _counted({clock: taken.select for clock, taken in switch.items()}):
                yield Count((name, metric_name("switch", unit), unit), max(values), len(values))

    def _times(self, subnet: int) -> Iterator[Time]:
        name = self.measurements.workload.subnets[subnet]
        yield Time(
            (name, "latency", _US),
            _us(self.measurements.latency(subnet)),
            lambda: _us(self.measurements.latency_again([subnet])[subnet]),
        )
        for pair in self._pairs(subnet):
            yield Time(
                (self.measurements.workload.pair(pair), "switch", _US),
                self._switch(pair),
                partial(self._switch, pair, again=True),
            )

    def _switch(self, pair: Pair, again: bool = False) -> Sequence[float]:
        taken = self.measurements.switch_again(pair) if again else self.measurements.switch(pair)
        return _us({clock: samples.select for clock, samples in taken.items()})

    def _pairs(self, subnet: int) -> tuple[Pair, ...]:
        subnets = len(self.measurements.workload.subnets)
        return pairs_into(subnet, subnets) if subnets > 1 else ()


def _us(taken: Mapping[str, Samples]) -> Sequence[float]:
    return by_unit(taken.values())[_US]


def _counted(taken: Mapping[str, Samples]) -> Iterator[tuple[str, Sequence[float]]]:
    values = by_unit(taken.values())
    for unit in counted_units(values):
        yield unit, values[unit]
