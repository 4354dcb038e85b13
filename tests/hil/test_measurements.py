"""Latencies are measured as often as a precision asks for, and again where a figure is in doubt."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hil.boards.facts import BoardFacts, Provenance
from hil.boards.profiling import SAMPLES
from hil.errors import NotMeasurable
from hil.plugin import _SHOWN
from hil.protocol.hello import Clock
from hil.results.gate import baseline as baselines
from hil.results.measurement import Measurement
from hil.results.memory import Memory
from hil.results.samples import LayerSamples, Samples, SwitchSamples
from hil.suite import measurements as module
from hil.suite import test_latency, test_profile
from hil.suite import workload as workloads
from hil.suite.gating import Gate
from hil.suite.measurements import Measurements, Precision
from hil.suite.switch_pairs import Pair
from reds.pack.layouts import CANONICAL

NS = Clock(0, "ns", 1_000_000_000)


@dataclass
class Scripted:
    """A leased board whose times are scripted: a function of the measurement's number returns each."""

    ticks: Callable[[int], int]
    provenance: Provenance = Provenance.HARDWARE
    starts: int = 1
    _number: Iterator[int] = field(default_factory=count)

    measured = False

    def facts(self) -> BoardFacts:
        return BoardFacts("board", "desktop", self.provenance, "desktop", "0", (NS,))

    def do(self, work: Callable[[object], object]) -> object:
        doing = {"measure": self.measure, "measure_switch": self.measure_switch, "memory": self.memory}
        doing |= {"profile": self.profile, "layouts": lambda model: [CANONICAL] * len(model.layers)}
        board = SimpleNamespace(
            name="board", facts=self.facts, settle=lambda: None, known_layouts=frozenset(), **doing
        )
        return work(board)

    def restart(self) -> None:
        self.starts += 1

    def memory(self, subnet: int, x: object) -> Memory:
        raise NotMeasurable("it cannot tell its stack", board="board")

    def measure_switch(self, pair: Pair, n: int, clock: Clock, x: object) -> SwitchSamples:
        select, first = (self.measure(pair[1], n, clock, x) for _ in range(2))
        return SwitchSamples(select, first, np.zeros((n, 1), np.int8), np.arange(n))

    def profile(self, subnet: int, n: int, clock: Clock, x: object) -> LayerSamples:
        """Three layers: each takes a third of an inference, but a whole one with the first agent."""
        part = 1 if self.starts == 1 else 3
        taken = [self.measure(subnet, n, clock, x) for _ in range(3)]
        return LayerSamples(tuple(replace(s, ticks=tuple(t // part for t in s.ticks)) for s in taken), 0)

    def measure(self, subnet: int, n: int, clock: Clock, x: object) -> Samples:
        ticks = tuple(self.ticks(next(self._number)) for _ in range(n))
        return Samples(clock, ticks, str(self.provenance))


@pytest.fixture
def measured(small_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Measurements]:
    """Return measurements of a scripted board, 20 samples at once."""
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)
    workload = workloads.load(small_pack)

    def of(board: Scripted, precision: Precision | None = None) -> Measurements:
        return Measurements(board, workload, {}, {}, 20, precision)  # type: ignore[arg-type]

    return of


def noisy(spread: float) -> Callable[[int], int]:
    rng = np.random.default_rng(0)
    return lambda number: round(100_000 * (1 + spread * rng.standard_normal()))


def taken(measurements: Measurements, subnet: int = 0) -> int:
    return len(measurements.latency(subnet)["ns"].ticks)


def test_precision_takes_as_many_samples_as_the_interval_needs(measured: Callable[..., Measurements]) -> None:
    asked = Precision(0.01, 600)
    quiet, loud = (measured(Scripted(noisy(spread)), asked) for spread in (0.001, 0.05))
    assert taken(quiet) == 20
    assert taken(loud) > 100
    for measurements in (quiet, loud):
        assert max(map(measurements.half_width, (0, 1))) <= 0.01
        assert taken(measurements) % 20 == 0


def test_precision_ends_with_its_time(measured: Callable[..., Measurements]) -> None:
    measurements = measured(Scripted(noisy(0.05)), Precision(0.0001, 0))
    assert taken(measurements) == 20
    assert measurements.half_width(0) > 0.0001


def test_precision_ends_with_the_most_samples(
    measured: Callable[..., Measurements], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 100)
    assert taken(measured(Scripted(noisy(0.5)), Precision(0.0001, 600))) == 100


def test_counts_of_an_emulator_are_not_measured_again(measured: Callable[..., Measurements]) -> None:
    board = Scripted(noisy(0.5), Provenance.EMULATED)
    assert taken(measured(board, Precision(0.0001, 600))) == 20


def test_subnets_are_measured_in_turns(measured: Callable[..., Measurements]) -> None:
    measurements = measured(Scripted(lambda number: 1000 + number))
    first, second = (measurements.latency(subnet)["ns"].ticks for subnet in (0, 1))
    assert sorted(first + second) == list(range(1000, 1040))
    assert first[:4] == (1000, 1001, 1004, 1005)


def test_measurement_again_is_of_a_fresh_agent_and_added(measured: Callable[..., Measurements]) -> None:
    board = Scripted(lambda number: 1000 + number)
    measurements = measured(board)
    before = measurements.latency(0)["ns"].ticks
    again = measurements.latency_again([0])[0]["ns"].ticks
    assert board.starts == 2
    assert measurements.latency(0)["ns"].ticks == before + again
    assert len(again) == taken(measurements, subnet=1) == 20


@pytest.mark.parametrize("healed", [True, False])
def test_layers_that_another_program_slowed_are_profiled_again(
    measured: Callable[..., Measurements], healed: bool
) -> None:
    board = Scripted(lambda number: 3000)
    measurements = measured(board)
    if not healed:
        board.restart = lambda: None  # type: ignore[method-assign]
    kept: list[tuple[float, ...]] = []
    bench = measurements, "50%", measurements.profile(0), lambda *figure: kept.append(figure[-1])
    if healed:
        test_profile.test_layers_add_up_to_the_inference(*bench)
    else:
        with pytest.raises(AssertionError):
            test_profile.test_layers_add_up_to_the_inference(*bench)
    assert [len(samples) for samples in kept] == 3 * [SAMPLES * (2 if healed else 4)]


def test_several_agents_measure_all_subnets_and_every_sample_counts(
    measured: Callable[..., Measurements],
) -> None:
    board = Scripted(lambda number: 1000 + number)
    measurements = measured(board)
    measurements.measure_by(3)
    assert board.starts == 3
    assert taken(measurements, 0) == taken(measurements, 1) == 60
    measurements.measure_by(3)
    assert board.starts == 3


@pytest.mark.parametrize(
    ("runs", "named", "starts"), [(0, False, 3), (4, False, 3), (5, False, 1), (0, True, 1), (1, True, 1)]
)
def test_gate_measures_by_several_agents_while_a_board_has_few_earlier_runs(
    measured: Callable[..., Measurements], runs: int, named: bool, starts: int
) -> None:
    board = Scripted(lambda number: 100_000 + number % 7)
    measurements = measured(board)
    who = "desktop", "board", "hardware", "net", "0"
    before = Measurement(*who, measurements.workload.subnets[0], "latency", "us", 100.0, (100.0,))
    baseline = baselines.of("run 1", [before], "", lambda figure: [before.samples] * runs) if runs else None
    assert Gate(measurements, baseline, "", named).judge(0, [])[0]
    assert board.starts == starts


def test_switches_that_are_measured_again_are_part_of_the_figure(
    measured: Callable[..., Measurements],
) -> None:
    board = Scripted(lambda number: 1000 + number)
    measurements = measured(board)
    before = measurements.switch((0, 1))["ns"]
    again = measurements.switch_again((0, 1))["ns"]
    after = measurements.switch((0, 1))["ns"]
    assert after.select.ticks == before.select.ticks + again.select.ticks
    assert after.first.ticks == before.first.ticks + again.first.ticks
    assert len(after.outputs) == len(after.rows) == len(after.select.ticks) == 40
    assert len(measurements.switch((1, 0))["ns"].select.ticks) == 20


@pytest.mark.parametrize(("wrong", "starts"), [(0, 1), (1, 2), (3, 4)])
def test_order_of_subnets_fails_only_if_it_stays_wrong(
    measured: Callable[..., Measurements], wrong: int, starts: int
) -> None:
    """The smaller subnet is slower in the first `wrong` measurements, each of 20 samples of both in turns."""

    def ticks(number: int) -> int:
        is_smaller, measurement = number // 2 % 2 == 0, number // 40
        return (2000 if is_smaller == (measurement < wrong) else 1000) + number % 7

    board = Scripted(ticks)
    check_order(measured(board))
    assert board.starts == starts


def test_order_that_stays_wrong_fails(measured: Callable[..., Measurements]) -> None:
    board = Scripted(lambda number: (2000 if number // 2 % 2 == 0 else 1000) + number % 7)
    with pytest.raises(AssertionError, match="must be faster"):
        check_order(measured(board))


def check_order(measurements: Measurements) -> None:
    latencies = {subnet: measurements.latency(subnet) for subnet in (0, 1)}
    test_latency.test_smaller_is_faster(measurements.workload, measurements, (0, 1), latencies)


def test_budget_in_a_unit_that_a_board_does_not_measure_is_noted_unless_another_is_held() -> None:
    counts = {"instructions": [1.0]}
    ((name, text),) = test_latency._passed_over("25%", counts, {"us": 2500.0, "ram": 9000.0})
    assert name in _SHOWN
    assert text == "25%: latency_us is not held, as the board measures instructions only; limit instructions"
    ((_, text),) = test_latency._passed_over("25%", {"us": [1.0]}, {"instructions": 9.0})
    assert text.endswith("instructions is not held, as the board measures us only; limit latency_us")
    assert not [*test_latency._passed_over("25%", counts, {"us": 2500.0, "instructions": 9.0})]
    assert not [*test_latency._passed_over("25%", counts, {"ram": 9000.0})]
