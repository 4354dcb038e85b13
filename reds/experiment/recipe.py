"""Define the recipe, a TOML file that describes a whole build.

The dataclasses below, and the options they hold, are the format: each is a table, each field a key. A key
with a default may be left out. `recipe_file` reads the file.
"""

from dataclasses import dataclass, field
from typing import Literal

from reds.data.options import AugmentationOptions, DataOptions
from reds.experiment.method import Method
from reds.graph.subnets import Budget, subnet_name
from reds.nesting.options import SelectionOptions
from reds.training.options import JointOptions, RoundingOptions, TrainingOptions


@dataclass(frozen=True)
class NetRecipe:
    """Describe the table `[net]`: the network to train."""

    name: str
    """Name of a net of `reds.zoo`; its input shape has to be that of the data."""


@dataclass(frozen=True)
class Int8Recipe:
    """Describe the table `[int8]`: last epochs of all subnets together, with the rounding of int8."""

    epochs: int
    rate: float
    """Peak of the learning rate."""


@dataclass(frozen=True)
class DeviceRecipe:
    """Describe the table `[device]`: the target of arena and latency budgets."""

    layout: Literal["canonical", "radix256", "vnni", "neon"]
    """Weight layout that the kernels of the device read."""
    times: str | None = None
    """File of layer times that `hil latency` measured, relative to the recipe."""


@dataclass(frozen=True)
class SubnetRecipe:
    """Describe one table `[[subnet]]`, smallest first: its budgets and the accuracy that a bench demands.

    The last subnet is the full net and has no budget but MACs.
    """

    budget: float
    """Fraction of the full net's multiply-accumulates (MACs)."""
    floor: float = 0.0
    """Lowest accuracy on the labeled examples that a bench accepts, a fraction."""
    flash: int | None = None
    """Most bytes of weights and tables."""
    arena: int | None = None
    """Most bytes of activations in memory at once."""
    latency: float | None = None
    """Most microseconds for one inference, predicted from the times of `[device]`."""

    @property
    def name(self) -> str:
        """Return the subnet's name: its MACs budget in percent, as `25%`."""
        return subnet_name(self.budget)

    @property
    def limits(self) -> Budget:
        """Return all budgets of the subnet."""
        return Budget(self.budget, self.flash, self.arena, self.latency)


@dataclass(frozen=True)
class Recipe:
    """Describe the whole file: a network, data and budgets are enough."""

    net: NetRecipe
    data: DataOptions
    subnet: tuple[SubnetRecipe, ...]
    name: str = ""
    """Name of the pack; by default that of the file, without its suffix."""
    seed: int = 0
    augmentation: AugmentationOptions = field(default_factory=AugmentationOptions)
    full: TrainingOptions = field(default_factory=TrainingOptions)
    selection: SelectionOptions = field(default_factory=SelectionOptions)
    joint: JointOptions = field(default_factory=JointOptions)
    device: DeviceRecipe | None = None
    int8: Int8Recipe | None = None

    @property
    def rounding(self) -> RoundingOptions | None:
        """Return how to train the last epochs with int8 rounding, or None for no such epochs."""
        return None if self.int8 is None else self.joint.rounded(self.int8.epochs, self.int8.rate)


def method_of(recipe: Recipe, name: str = "") -> Method:
    """Return the method that a recipe describes; its pack is called `name`, by default as the recipe."""
    return Method(
        name or recipe.name,
        tuple(subnet.limits for subnet in recipe.subnet),
        recipe.seed,
        recipe.full,
        recipe.selection,
        recipe.joint,
        recipe.rounding,
    )
