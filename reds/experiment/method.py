"""Define the settings of the method in one dataclass, which recipes and `reds.compress` share."""

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
    """Training of the full net before its units are scored; None if it is trained already."""
    selection: SelectionOptions = field(default_factory=SelectionOptions)
    """Scoring of units and selection of subnets."""
    joint: JointOptions = field(default_factory=JointOptions)
    """Joint training of all subnets."""
    rounding: RoundingOptions | None = None
    """Training of the last epochs with int8 rounding; None for no such epochs."""
