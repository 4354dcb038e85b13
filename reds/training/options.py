"""How to train: the settings of each phase, as plain facts."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TrainingOptions:
    """Train one net. `rate` is the peak of a one-cycle schedule of AdamW."""

    epochs: int = 20
    batch: int = 64
    rate: float = 6e-3
    weight_decay: float = 0.02
    smoothing: float = 0.1
    """Share of each target that is spread over all classes."""
    dropout: float = 0.0

    @property
    def table(self) -> str:
        """The table of a recipe that holds these settings; errors name it."""
        return "[full]"


@dataclass(frozen=True)
class JointOptions(TrainingOptions):
    """Train all subnets together."""

    epochs: int = 80
    distil: float = 0.5
    """Share of the full net's answers in the targets of the smaller subnets; the rest are the labels."""
    norms: Literal["own", "shared"] = "own"
    """Batch norms of its own for each subnet; or one for all, fixed at the full net's statistics, as in the
    paper (REDS, arXiv 2311.13349).
    """

    @property
    def table(self) -> str:
        """The table of a recipe that holds these settings; errors name it."""
        return "[joint]"


@dataclass(frozen=True)
class RoundingOptions(JointOptions):
    """Train the last epochs with weights and activations rounded as the pack rounds them."""

    @property
    def table(self) -> str:
        """The table of a recipe that holds these settings; errors name it."""
        return "[int8]"
