"""How units are scored and subnets chosen, as plain facts."""

from dataclasses import dataclass
from typing import Literal

Measure = Literal["gradient", "magnitude", "random"]
Objective = Literal["balanced", "product", "sum"]
Order = Literal["bottom-up", "top-down", "joint", "uniform"]


@dataclass(frozen=True)
class SelectionOptions:
    """Choose which units each subnet keeps."""

    importance: Measure = "gradient"
    """The score of a weight: `gradient` is the paper's (REDS, arXiv 2311.13349), the others its baselines."""
    scored: Literal["units", "kernels"] = "units"
    """Score units; or in pointwise layers each kernel, which counts where both its units are kept."""
    objective: Objective = "balanced"
    """The sum of the importance kept, as in the paper; or of the shares kept in each group the product, or a
    mean near the smallest.
    """
    order: Order = "bottom-up"
    """Which subnet is chosen first; `uniform` is the baseline: the same share of every unit group."""
    step: int = 4
    """Widths are multiples of this."""
    least: int = 4
    """Fewest units that a unit group keeps."""
