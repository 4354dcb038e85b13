"""The settings of the whole method, as one plain dataclass that recipes and `reds.compress` share."""

from dataclasses import dataclass, field

from reds.graph.subnets import Budget
from reds.nesting.options import SelectionOptions
from reds.training.options import JointOptions, RoundingOptions, TrainingOptions


@dataclass(frozen=True)
class Method:
    """Hold everything that decides a training, except the net, the examples and the target's profile."""

    name: str
    """Name of the pack, 1 to 31 bytes."""
    budgets: tuple[Budget, ...]
    """Budget of each subnet, smallest first."""
    seed: int = 0
    full: TrainingOptions | None = field(default_factory=TrainingOptions)
    """How to train the full net before its units are scored; None if it is trained already."""
    selection: SelectionOptions = field(default_factory=SelectionOptions)
    """How units are scored and subnets are selected."""
    joint: JointOptions = field(default_factory=JointOptions)
    """How to train all subnets together."""
    rounding: RoundingOptions | None = None
    """How to train the last epochs with int8 rounding; None for no such epochs."""
