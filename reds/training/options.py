"""Settings of each training phase, as plain dataclasses that recipes and `reds.compress` share."""

from dataclasses import asdict, dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class TrainingOptions:
    """Hold the settings of one training with AdamW and a one-cycle learning rate."""

    epochs: int = 20
    batch: int = 64
    """Examples in a minibatch."""
    rate: float = 6e-3
    """Peak of the learning rate."""
    weight_decay: float = 0.02
    smoothing: float = 0.1
    """Share of each target that is spread over all classes (label smoothing)."""
    dropout: float = 0.0

    @property
    def table(self) -> str:
        """Return the recipe table that holds these settings, for error messages."""
        return "[full]"

    @property
    def phase(self) -> str:
        """Return the net that these settings train, for error messages."""
        return "the full net"


@dataclass(frozen=True)
class JointOptions(TrainingOptions):
    """Hold the settings of training all subnets together."""

    epochs: int = 80
    distil: float = 0.5
    """Share of the full net's probabilities in the targets of the smaller subnets (distillation)."""
    norms: Literal["own", "shared"] = "own"
    """`own`: each subnet has batch norms of its own. `shared`: all use the full net's with fixed statistics,
    as in the paper (REDS, arXiv 2311.13349).
    """

    @property
    def table(self) -> str:
        """Return the recipe table that holds these settings, for error messages."""
        return "[joint]"

    @property
    def phase(self) -> str:
        """Return the nets that these settings train, for error messages."""
        return "all subnets together"

    def rounded(self, epochs: int, rate: float) -> "RoundingOptions":
        """Return these settings for last epochs with int8 rounding, of another number and learning rate."""
        return RoundingOptions(**asdict(replace(self, epochs=epochs, rate=rate)))


@dataclass(frozen=True)
class RoundingOptions(JointOptions):
    """Hold the settings of the last epochs, which round weights and activations as the pack does."""

    @property
    def table(self) -> str:
        """Return the recipe table that holds these settings, for error messages."""
        return "[int8]"

    @property
    def phase(self) -> str:
        """Return the nets that these settings train, for error messages."""
        return "all subnets with int8 rounding"
