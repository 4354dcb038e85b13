"""The recipe: one TOML file says everything that a build does.

The dataclasses below, and the options they hold, are the format: a table for each, a key for each field. A
key with a default may be left out. `recipe_file` reads the file.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from reds.data.options import AugmentationOptions, DataOptions
from reds.graph.subnets import Budget, subnet_name
from reds.nesting.options import SelectionOptions
from reds.training.options import JointOptions, RoundingOptions, TrainingOptions


@dataclass(frozen=True)
class NetRecipe:
    """`[net]`: which network."""

    name: str
    """As `reds.zoo.by_name` takes it; its input has to be that of the data."""


@dataclass(frozen=True)
class Int8Recipe:
    """`[int8]`: last epochs of all subnets together, rounded as the pack rounds them."""

    epochs: int
    rate: float


@dataclass(frozen=True)
class DeviceRecipe:
    """`[device]`: the device that arena and latency are planned for."""

    layout: Literal["canonical", "radix256", "vnni", "neon"]
    """The layout that its kernels read."""
    times: str | None = None
    """File of times that `hil latency` measured, relative to the recipe."""


@dataclass(frozen=True)
class SubnetRecipe:
    """`[[subnet]]`, smallest first: a fraction of the full net's MACs, and the accuracy it must hold.

    All but the last, which is the full net, may have further budgets.
    """

    budget: float
    floor: float = 0.0
    """Least accuracy on the labeled examples that a bench accepts; a fraction."""
    flash: int | None = None
    """Bytes of weights and tables."""
    arena: int | None = None
    """Bytes."""
    latency: float | None = None
    """Microseconds, by the times of `[device]`."""

    @property
    def name(self) -> str:
        """The subnet's name: its MACs budget in percent."""
        return subnet_name(self.budget)

    @property
    def limits(self) -> Budget:
        """All its budgets."""
        return Budget(self.budget, self.flash, self.arena, self.latency)

    @property
    def limited(self) -> bool:
        """Whether it has budgets beside MACs."""
        return (self.flash, self.arena, self.latency) != (None, None, None)


@dataclass(frozen=True)
class Recipe:
    """The whole file."""

    name: str
    net: NetRecipe
    data: DataOptions
    subnet: tuple[SubnetRecipe, ...]
    seed: int = 0
    augmentation: AugmentationOptions = field(default_factory=AugmentationOptions)
    full: TrainingOptions = field(default_factory=TrainingOptions)
    selection: SelectionOptions = field(default_factory=SelectionOptions)
    joint: JointOptions = field(default_factory=JointOptions)
    device: DeviceRecipe | None = None
    int8: Int8Recipe | None = None

    @property
    def rounding(self) -> RoundingOptions | None:
        """How to train the last epochs, if there are any."""
        if self.int8 is None:
            return None
        return RoundingOptions(**asdict(replace(self.joint, epochs=self.int8.epochs, rate=self.int8.rate)))
