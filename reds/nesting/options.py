"""Define the options of importance and selection, with their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Measure = Literal["gradient", "magnitude", "random"]
Objective = Literal["balanced", "product", "sum"]
Order = Literal["bottom-up", "top-down", "joint", "uniform", "even"]
BASELINES: frozenset[Order] = frozenset({"uniform", "even"})
"""Orders that need no scores and leave out no block."""


@dataclass(frozen=True)
class SelectionOptions:
    """The options of scoring units, and of selecting the units that each subnet keeps."""

    importance: Measure = "gradient"
    """The score of a weight: `gradient` is the paper's (REDS, arXiv 2311.13349), the others are baselines."""
    scored: Literal["units", "kernels"] = "units"
    """Score units, or in pointwise layers each kernel, which counts if both its units are kept."""
    objective: Objective = "balanced"
    """The number to maximize. `sum`: the importance kept, as in the paper. `product`: the product of the
    shares of importance kept in each group. `balanced`: a mean of these shares that lies near the smallest.
    """
    order: Order = "bottom-up"
    """The subnet that is chosen first. Two baselines need no scores. `uniform`: the same share of every unit
    group. `even`: shares as large and as even as the budget allows, group by group.
    """
    step: int = 4
    """Widths are multiples of this."""
    least: int = 4
    """The fewest units that a unit group keeps."""
    depth: bool = False
    """Let subnets leave out whole residual blocks whose input and output agree, as the paper skips blocks."""

    gains: Mapping[str, Mapping[str, float]] | None = None
    """Gains of your own instead of those by importance: for each layer whose units are cut what a number of
    them is worth, as `gains.conv1 = { 8 = 0.2, 16 = 0.6, 32 = 1.0 }`. Gains of all layers add up.
    """

    @property
    def blocks(self) -> bool:
        """Return whether a subnet may leave out blocks, which the baselines never do."""
        return self.depth and self.order not in BASELINES
