"""Say where the time of an inference goes: the cost of each layer of a subnet on one board.

The agent times each layer by `reds_run_layer`, and the whole inference by `reds_run`. Both run the same
kernels. `reds_run_layer` finds its layer in the pack, which takes a few instructions more than in the loop of
`reds_run`. So the layers together take a little more than the whole. Where counts are exact, the difference
is the same for all subnets of a pack that run the same layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hil.results.layer_facts import LayerFacts
from hil.results.samples import Samples, by_unit
from hil.results.statistics.quantiles import fast_mean, median

LAYER_MORE = 64
"""Most instructions, and most cycles, that a layer may take more by itself than in `reds_run`."""
NOISE = 0.05
"""Part of an inference by which its layers may differ from it on hardware, beside reading the clock.

On a desktop whose two cores ran fourteen programs, the fastest thirds of both differed by 0.006 at most.
"""


@dataclass(frozen=True)
class Cost:
    """Costs of the layers of a subnet, in one unit.

    Attributes:
        samples: Samples of each layer.
        inference: Samples of the whole inference.
        reading: Cost of reading the clock.
    """

    samples: tuple[tuple[float, ...], ...]
    inference: tuple[float, ...]
    reading: float

    @cached_property
    def layers(self) -> tuple[float, ...]:
        """Return the median of each layer."""
        return tuple(map(median, self.samples))

    @cached_property
    def whole(self) -> float:
        """Return the median of the whole inference."""
        return median(self.inference)

    @property
    def total(self) -> float:
        """Return the sum of the layers."""
        return sum(self.layers)

    @property
    def more(self) -> float:
        """Return the excess of the layers over the whole inference."""
        return self.total - self.whole

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the part of the sum that each layer takes."""
        return tuple(layer / self.total if self.total else 0.0 for layer in self.layers)

    def joined(self, more: "Cost") -> "Cost":
        """Return the costs with the samples of a later measurement behind their own."""
        samples = tuple(a + b for a, b in zip(self.samples, more.samples, strict=True))
        return Cost(samples, self.inference + more.inference, max(self.reading, more.reading))

    def adds_up(self, exact: bool) -> bool:
        """Return whether the layers take what the whole inference takes.

        Args:
            exact: Whether counts repeat exactly. Then each layer may take at most LAYER_MORE more by itself.
                Times on hardware may differ by NOISE, and by two readings of the clock for each layer. Their
                fastest samples are compared, as other programs only slow some of them down.
        """
        if exact:
            return abs(self.more) <= LAYER_MORE * len(self.layers)
        whole, layers = fast_mean(self.inference), sum(map(fast_mean, self.samples))
        return abs(layers - whole) <= NOISE * whole + 2 * self.reading * len(self.layers)


@dataclass(frozen=True)
class Profile:
    """The layers of one subnet on one board, with their costs by unit: `us`, `cycles`, `instructions`.

    `kernels` are lines that say which kernels run the pack's layers, and why portable ones run some.
    """

    pack: str
    subnet: str
    board: str
    provenance: str
    layers: tuple[LayerFacts, ...]
    costs: Mapping[str, Cost]
    kernels: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """Return the unit that shares are of: time or cycles where the board measures them."""
        return next(unit for unit in ("cycles", "us", "instructions") if unit in self.costs)

    def joined(self, more: "Profile") -> "Profile":
        """Return the profile with the samples of a later measurement of the same subnet and board."""
        return replace(self, costs={unit: cost.joined(more.costs[unit]) for unit, cost in self.costs.items()})


def costs(
    each: Sequence[Sequence[Samples]], whole: Sequence[Samples], readings: Sequence[int]
) -> dict[str, Cost]:
    """Return the costs by unit.

    Args:
        each: Samples of each layer, for each clock.
        whole: Samples of the whole inference, for each clock.
        readings: Ticks of reading each clock.
    """
    found: dict[str, Cost] = {}
    for layers, inference, ticks in zip(each, whole, readings, strict=True):
        by_layer = [by_unit([samples]) for samples in layers]
        for unit, values in by_unit([inference]).items():
            reading = inference.clock.microseconds(ticks) if unit == "us" else float(ticks)
            found[unit] = Cost(tuple(layer[unit] for layer in by_layer), tuple(values), reading)
    return found
