"""The measurements of one board and one workload: each is taken once, and shared by every test that asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from hil.boards.board import Advance, Board, Outputs, SwitchSamples, ignore
from hil.boards.facts import Provenance
from hil.results.samples import Samples
from hil.suite.leased import LeasedBoard
from hil.suite.workload import Workload

T = TypeVar("T")
Pair = tuple[int, int]
_SAMPLES = {Provenance.EMULATED: 20, Provenance.HARDWARE: 100}
"""Emulated counts repeat exactly, and what varies is only the input."""
_TURNS = 10
"""Into how many parts the samples of a latency are split, where they are times."""


@dataclass
class Measurements:
    """Subnets are given by their index. `samples` is how many are taken of each latency and switch."""

    leased: LeasedBoard
    workload: Workload
    budgets: Mapping[str, Mapping[str, float]]
    """What an inference may take: by unit, us or instructions, then by the subnet's name."""
    switch_limits: Mapping[str, float]
    """What the worst switch may take by unit; the first that the board counts in is the one that holds."""
    samples: int | None = None
    _taken: dict[object, object] = field(default_factory=dict)

    @property
    def board(self) -> Board:
        """The board that is measured."""
        return self.leased.board

    @property
    def exact(self) -> bool:
        """Whether this board's counts repeat exactly."""
        return self.board.facts().provenance is Provenance.EMULATED

    def outputs(self, advance: Advance = ignore) -> list[Outputs]:
        """Of every subnet on all the pack's inputs."""
        every = range(len(self.workload.model.subnets))
        return self._once("outputs", lambda: self.board.infer_each(every, self.workload.inputs, advance))

    def latency(self, subnet: int) -> Mapping[str, Samples]:
        """Steady inferences on each clock of the board, by its name.

        Those of all subnets are taken together, in turns: a board that slows down slows all of them down.
        """
        return self._once("latency", self._latencies)[subnet]

    def switch(self, pair: Pair) -> Mapping[str, SwitchSamples]:
        """Switches of an ordered pair on each clock, with the first inference after each."""
        return self._once(("switch", pair), lambda: self._switches(pair))

    def _switches(self, pair: Pair) -> Mapping[str, SwitchSamples]:
        self.board.settle()
        return {
            clock.name: self.board.measure_switch(pair, self._n, clock, self._x)
            for clock in self.board.facts().clocks
        }

    def _latencies(self) -> list[dict[str, Samples]]:
        clocks, subnets = self.board.facts().clocks, range(len(self.workload.model.subnets))
        taken: list[dict[str, Samples]] = [{} for _ in subnets]
        for turn in np.array_split(np.arange(self._n), min(self._n, 1 if self.exact else _TURNS)):
            self.board.settle()
            x = self._x[turn % len(self._x)]
            for subnet in subnets:
                for clock in clocks:
                    samples = self.board.measure(subnet, len(turn), clock, x)
                    before = taken[subnet].get(clock.name)
                    ticks = (before.ticks if before else ()) + samples.ticks
                    taken[subnet][clock.name] = replace(samples, ticks=ticks)
        return taken

    @property
    def _n(self) -> int:
        return self.samples or _SAMPLES[self.board.facts().provenance]

    @property
    def _x(self) -> Outputs:
        return self.workload.inputs[: self._n]

    def _once(self, key: object, take: Callable[[], T]) -> T:
        if key not in self._taken:
            self._taken[key] = take()
            self.leased.look()
        return self._taken[key]  # type: ignore[return-value]  # what `take` gave for this key
