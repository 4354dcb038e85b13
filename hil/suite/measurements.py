"""Take each measurement of a board and a workload once, and share it among the tests that use it.

Figures are taken in groups: the outputs, the latencies, and the switches to each subnet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from hil.boards.board import Advance, Board, Outputs, SwitchSamples, ignore
from hil.boards.facts import Provenance
from hil.boards.profiling import profile
from hil.results.memory import Memory
from hil.results.profile import Profile
from hil.results.samples import Samples
from hil.suite.leased import LeasedBoard
from hil.suite.switch_pairs import Pair, pairs_into
from hil.suite.workload import Workload

T = TypeVar("T")
Switches = Mapping[str, SwitchSamples]
"""Switches of one pair by the name of the clock."""
_SAMPLES = {Provenance.EMULATED: 20, Provenance.HARDWARE: 100}
"""Samples by provenance. Emulated counts vary only with the input, so few samples are enough."""
_STACKS = 4
"""Inferences whose deepest stack counts; the stack hardly depends on the input."""
_TURNS = 10
"""Parts that the latency samples of a real board are split into."""


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
    _taken: dict[object, object] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Return True if the board's counts repeat exactly."""
        return self.leased.facts().provenance is Provenance.EMULATED

    def outputs(self, advance: Advance = ignore) -> list[Outputs]:
        """Return the board's outputs on all inputs of the workload, for each subnet."""
        every, x = range(len(self.workload.model.subnets)), self.workload.inputs
        return self._once("outputs", lambda board: board.infer_each(every, x, advance))

    def latency(self, subnet: int) -> Mapping[str, Samples]:
        """Return the steady-state latencies of a subnet, by the name of the clock.

        The subnets are measured in turns, so that a board that slows down affects all of them alike.
        """
        return self._once("latency", self._latencies)[subnet]

    def profile(self, subnet: int) -> Profile:
        """Return what each layer of a subnet costs."""
        model, x = self.workload.model, self.workload.inputs
        return self._once(("profile", subnet), lambda board: profile(board, model, subnet, x))

    def memory(self, subnet: int) -> Memory:
        """Return the RAM that a subnet takes, with the deepest stack of several inferences."""
        return self._once(
            ("memory", subnet), lambda board: board.memory(subnet, self.workload.inputs[:_STACKS])
        )

    def switch(self, pair: Pair) -> Switches:
        """Return the switches of an ordered pair, each with its first inference, by the name of the clock."""
        target = pair[1]
        return self._once(("switches", target), lambda board: self._switches(board, target))[pair]

    def _switches(self, board: Board, target: int) -> Mapping[Pair, Switches]:
        board.settle()
        pairs, clocks = pairs_into(target, len(self.workload.model.subnets)), board.facts().clocks
        return {
            pair: {clock.name: board.measure_switch(pair, self._n, clock, self._x) for clock in clocks}
            for pair in pairs
        }

    def _latencies(self, board: Board) -> list[dict[str, Samples]]:
        clocks, subnets = board.facts().clocks, range(len(self.workload.model.subnets))
        taken: list[dict[str, Samples]] = [{} for _ in subnets]
        for turn in np.array_split(np.arange(self._n), min(self._n, 1 if self.exact else _TURNS)):
            board.settle()
            x = self._x[turn % len(self._x)]
            for subnet in subnets:
                for clock in clocks:
                    samples = board.measure(subnet, len(turn), clock, x)
                    before = taken[subnet].get(clock.name)
                    ticks = (before.ticks if before else ()) + samples.ticks
                    taken[subnet][clock.name] = replace(samples, ticks=ticks)
        return taken

    @property
    def _n(self) -> int:
        return self.samples or _SAMPLES[self.leased.facts().provenance]

    @property
    def _x(self) -> Outputs:
        return self.workload.inputs[: self._n]

    def _once(self, key: object, take: Callable[[Board], T]) -> T:
        if key not in self._taken:
            self._taken[key] = self.leased.do(take)
            self.leased.measured = True
        return self._taken[key]  # type: ignore[return-value]  # the result of `take` for this key
