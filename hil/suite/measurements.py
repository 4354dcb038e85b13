"""Take each measurement of a board and a workload once, and share it among the tests that use it.

Figures are taken in groups: the outputs, the latencies, and the switches to each subnet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from hil.boards.board import Advance, Board, Outputs, ignore
from hil.boards.facts import Provenance
from hil.boards.metering import measure_energy
from hil.boards.profiling import profile
from hil.energy.figures import Energy
from hil.energy.meter import Meter
from hil.results.memory import Memory
from hil.results.profile import Profile
from hil.results.samples import Samples, SwitchSamples
from hil.results.statistics.quantiles import relative_half_width
from hil.suite.leased import LeasedBoard
from hil.suite.speeds import emulators, speed_of
from hil.suite.switch_pairs import Pair, pairs_into
from hil.suite.workload import Workload

if TYPE_CHECKING:
    from hil.kernels.litert import LiteRT
    from hil.kernels.litert_comparison import Beside
    from hil.replay.bench import Replay

T = TypeVar("T")
Latency = Mapping[str, Samples]
"""Latencies of one subnet by the name of the clock."""
Switches = Mapping[str, SwitchSamples]
"""Switches of one pair by the name of the clock."""
_SAMPLES = {Provenance.EMULATED: 20, Provenance.HARDWARE: 100}
"""Samples by provenance. Emulated counts vary only with the input, so few samples are enough."""
_STACKS = 2
"""Inferences whose deepest stack counts; the stack hardly depends on the input."""
_TURNS = 10
"""Parts that the latency samples of a real board are split into."""
_PAUSE_SECONDS = 0.5
"""Pause before a real board is measured again."""
_MOST = 10_000
"""Most samples of a latency that a precision may ask for."""


def usual_samples(provenance: Provenance) -> int:
    """Return the samples of a latency or a switch without --samples."""
    return _SAMPLES[provenance]


@dataclass(frozen=True)
class Precision:
    """Precision to which the medians of latencies are measured.

    Attributes:
        share: Largest half width of the interval of a median, relative to the median.
        seconds: Longest time that all latencies of a board may take together.
    """

    share: float
    seconds: float


@dataclass
class Measurements:
    """The measurements of a board on a workload, each taken when a test first uses it.

    Subnets are given by their index.
    """

    leased: LeasedBoard
    workload: Workload
    budgets: Mapping[str, Mapping[str, float]]
    """Budgets by unit of a latency or by metric of memory, then by the name of the subnet."""
    switch_limits: Mapping[str, float]
    """Limits of the slowest switch, by unit. The first unit that the board measures applies."""
    samples: int | None = None
    """Samples of each latency and each switch; by default the number for the board's provenance."""
    precision: Precision | None = None
    """Precision of the latencies of a real board; None for a fixed number of samples."""
    _taken: dict[object, object] = field(default_factory=dict)
    _latencies: list[Mapping[int, Latency]] = field(default_factory=list)
    """Every measurement of latencies, by subnet."""
    _switched_again: dict[Pair, list[Switches]] = field(default_factory=dict)
    """Every repeated measurement of switches, by pair."""
    _agents: int = 1
    """Agents that have measured the latencies of all subnets."""

    @property
    def exact(self) -> bool:
        """Return True if the board's counts repeat exactly."""
        return self.leased.facts().provenance is Provenance.EMULATED

    def outputs(self, advance: Advance = ignore) -> list[Outputs]:
        """Return the board's outputs on the inputs that the workload takes, for each subnet."""
        if "outputs" not in self._taken:
            every, x = range(len(self.workload.model.subnets)), self.workload.inputs[self.workload.taken]
            speed = speed_of(self.leased.selected)
            count = emulators(self.workload.output_macs, speed) if speed else 1
            self._taken["outputs"] = self.leased.infer_each(every, x, advance, count)
            self.leased.measured = True
        return self._taken["outputs"]  # type: ignore[return-value]  # as it was taken

    def latency(self, subnet: int) -> Latency:
        """Return the steady-state latencies of a subnet, by the name of the clock.

        The subnets are measured in turns, so that a board that slows down affects all of them alike. What
        `latency_again` adds is included, so that no sample is left out of a figure.
        """
        if not self._latencies:
            self._measure_all()
        return _joined(taken[subnet] for taken in self._latencies if subnet in taken)

    def latency_again(self, subnets: Sequence[int]) -> Mapping[int, Latency]:
        """Measure some subnets once more, in turns, after a pause and on an agent that is started anew."""
        self._start_anew()
        return self._measure(subnets)

    def measure_by(self, agents: int) -> None:
        """Measure the latencies of all subnets until so many agents have measured them, each started anew."""
        subnets = range(len(self.workload.model.subnets))
        self.latency(0)
        while self._agents < agents:
            self.latency_again(subnets)
            self._agents += 1

    def half_width(self, subnet: int) -> float:
        """Return half of the width of the interval of a latency's median, relative to the median."""
        return max(relative_half_width(samples.values) for samples in self.latency(subnet).values())

    def profile(self, subnet: int) -> Profile:
        """Return the costs of a subnet, layer by layer. What `profile_again` adds is included."""
        return self._once(("profile", subnet), lambda board: self._profile(board, subnet))

    def profile_again(self, subnet: int) -> Profile:
        """Profile a subnet once more, after a pause and on an agent that is started anew."""
        before = self.profile(subnet)
        self._start_anew()
        again = self.leased.do(lambda board: self._profile(board, subnet))
        self._taken["profile", subnet] = before.joined(again)
        return again

    def memory(self, subnet: int) -> Memory:
        """Return the RAM that a subnet takes, with the deepest stack of several inferences."""
        return self._once(
            ("memory", subnet), lambda board: board.memory(subnet, self.workload.inputs[:_STACKS])
        )

    def beside(self, subnet: int, there: "LiteRT") -> "Beside":
        """Return the latencies of a subnet beside those of LiteRT on the same board."""
        from hil.kernels import litert_comparison  # here: few runs are compared with it

        model = self.workload.model
        return self._once(
            ("beside", subnet), lambda board: litert_comparison.beside(board, model, subnet, there, self._x)
        )

    def energy(self, subnet: int, meter: Meter) -> Energy:
        """Return the energy that the inferences of a subnet draw from the board's supply."""
        return self._once(("energy", subnet), lambda board: measure_energy(board, meter, subnet, self._x))

    def replay(self, take: "Callable[[Board], Replay]") -> "Replay":
        """Return the replay of the run's trace, which `take` takes."""
        return self._once("replay", take)

    def switch(self, pair: Pair) -> Switches:
        """Return the switches of an ordered pair, each with its first inference, by the name of the clock.

        What `switch_again` adds is included.
        """
        target = pair[1]
        first = self._once(("switches", target), lambda board: self._switches(board, target))[pair]
        return _joined_switches([first, *self._switched_again.get(pair, ())])

    def switch_again(self, pair: Pair) -> Switches:
        """Measure a pair once more, after a pause and on an agent that is started anew."""
        self._start_anew()
        taken = self.leased.do(lambda board: self._switches_of(board, pair))
        self._switched_again.setdefault(pair, []).append(taken)
        return taken

    def _profile(self, board: Board, subnet: int) -> Profile:
        return profile(board, self.workload.model, subnet, self.workload.inputs)

    def _start_anew(self) -> None:
        """Let a short disturbance of a real board end, and give its agent other memory and another core."""
        sleep(_PAUSE_SECONDS)
        self.leased.restart()

    def _switches(self, board: Board, target: int) -> Mapping[Pair, Switches]:
        board.settle()
        pairs = pairs_into(target, len(self.workload.model.subnets))
        return {pair: self._switches_of(board, pair) for pair in pairs}

    def _switches_of(self, board: Board, pair: Pair) -> Switches:
        clocks = board.facts().clocks
        return {clock.name: board.measure_switch(pair, self._n, clock, self._x) for clock in clocks}

    def _measure_all(self) -> None:
        """Measure the latencies of all subnets, as often as the precision asks for."""
        subnets, began = range(len(self.workload.model.subnets)), monotonic()
        self._measure(subnets)
        if self.precision is None or self.exact or not self.leased.facts().clocks:
            return
        most = _MOST // self._n
        while monotonic() - began < self.precision.seconds and len(self._latencies) < most:
            if max(map(self.half_width, subnets)) <= self.precision.share:
                return
            self._measure(subnets)

    def _measure(self, subnets: Sequence[int]) -> Mapping[int, Latency]:
        taken = self.leased.do(lambda board: self._in_turns(board, subnets))
        self.leased.measured = True
        self._latencies.append(taken)
        return taken

    def _in_turns(self, board: Board, subnets: Sequence[int]) -> Mapping[int, Latency]:
        clocks = board.facts().clocks
        turns: list[dict[int, Latency]] = []
        for turn in np.array_split(np.arange(self._n), min(self._n, 1 if self.exact else _TURNS)):
            board.settle()
            x = self._x[turn % len(self._x)]
            turns.append(
                {s: {clock.name: board.measure(s, len(turn), clock, x) for clock in clocks} for s in subnets}
            )
        return {s: _joined(turn[s] for turn in turns) for s in subnets}

    @property
    def _n(self) -> int:
        return self.samples or usual_samples(self.leased.facts().provenance)

    @property
    def _x(self) -> Outputs:
        return self.workload.inputs[: self._n]

    def _once(self, key: object, take: Callable[[Board], T]) -> T:
        if key not in self._taken:
            self._taken[key] = self.leased.do(take)
            self.leased.measured = True
        return self._taken[key]  # type: ignore[return-value]  # the result of `take` for this key


def _joined(parts: Iterable[Latency]) -> Latency:
    """Return all samples of several measurements, in the order they were taken."""
    joined: dict[str, Samples] = {}
    for part in parts:
        for clock, samples in part.items():
            before = joined[clock].ticks if clock in joined else ()
            joined[clock] = replace(samples, ticks=before + samples.ticks)
    return joined


def _joined_switches(parts: Sequence[Switches]) -> Switches:
    """Return all switches of several measurements, in the order they were taken."""
    joined = dict(parts[0])
    for part in parts[1:]:
        for clock, more in part.items():
            before = joined[clock]
            joined[clock] = SwitchSamples(
                replace(more.select, ticks=before.select.ticks + more.select.ticks),
                replace(more.first, ticks=before.first.ticks + more.first.ticks),
                np.concatenate([before.outputs, more.outputs]),
                np.concatenate([before.rows, more.rows]),
            )
    return joined
