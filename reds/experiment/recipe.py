"""Define the recipe, a TOML file that describes a whole build.

The dataclasses below, and the options they hold, are the format: each is a table, each field a key. A key
with a default may be left out. `recipe_file` reads the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    widen: float = 1.0
    """Units to choose from in each group, as a multiple of the net's own. Budgets stay shares of the net."""
    strides: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Other strides of named layers, rows and columns. Budgets stay shares of the net."""

    @property
    def resolution(self) -> str:
        """Return the strides that differ from the net's, as `conv0 2x1`."""
        given = [f"{name} {'x'.join(map(str, each))}" for name, each in self.strides.items()]
        return ", ".join(given) or "its own"


@dataclass(frozen=True)
class AlternativeRecipe:
    """Describe one table `[[alternative]]`: the same net at another resolution."""

    strides: Mapping[str, tuple[int, ...]]
    """Strides of named layers, rows and columns, beside those of `[net]`."""


@dataclass(frozen=True)
class Int8Recipe:
    """Describe the table `[int8]`: last epochs of all subnets together, with the rounding of int8."""

    epochs: int
    rate: float
    """Peak of the learning rate."""


@dataclass(frozen=True)
class DeviceRecipe:
    """Describe the table `[device]`, the target of budgets of arena, latency and energy.

    It is a board, on which the build measures what its budgets need, or a layout and a file of times.
    """

    layout: Literal["canonical", "radix256", "vnni", "neon"] | None = None
    """Weight layout that the kernels of the device read; that of the board if one is named."""
    times: str | None = None
    """File of layer times that `hil latency` measured, relative to the recipe."""
    board: str | None = None
    """Name of a board, or a target, of `hil`."""
    emulate: bool = False
    """Whether to measure on the emulator of the board."""
    boards: str | None = None
    """Boards file of `hil`, relative to the recipe; by default the shipped one."""
    energy_per_cycle: float | None = None
    """Nanojoules that the device spends in a cycle of an inference; by default the board's meter tells."""


@dataclass(frozen=True)
class SubnetRecipe:
    """Describe one table `[[subnet]]`, smallest first: its budgets and the accuracy that a bench demands.

    The last subnet is the full net and needs no budget. Each other one has one or more.
    """

    budget: float | None = None
    """Fraction of the full net's multiply-accumulates (MACs)."""
    floor: float = 0.0
    """Lowest accuracy on the labeled examples that a bench accepts, a fraction."""
    macs: int | None = None
    """Most MACs, instead of `budget`."""
    flash: int | None = None
    """Most bytes of weights and tables."""
    arena: int | None = None
    """Most bytes of activations in memory at once."""
    latency: float | None = None
    """Most microseconds of one inference, predicted from measured times."""
    energy: float | None = None
    """Most microjoules of one inference, predicted from measured times and the energy of a cycle."""
    name: str | None = None
    """Name of the subnet, 1 to 7 bytes; by default its share of the MACs in percent, as `25%`."""

    def __post_init__(self) -> None:
        if self.name is None and self.budget is not None:
            object.__setattr__(self, "name", subnet_name(self.budget))

    @property
    def limits(self) -> Budget:
        """Return all budgets of the subnet."""
        macs = self.macs if self.budget is None else self.budget
        return Budget(macs, self.flash, self.arena, self.latency, self.energy, self.name)


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
    alternative: tuple[AlternativeRecipe, ...] = ()
    """Other resolutions to train as well; the one with the least validation loss is kept."""

    @property
    def variants(self) -> "tuple[Recipe, ...]":
        """Return a recipe for each resolution, that of `[net]` first."""
        every = ({}, *(each.strides for each in self.alternative))
        nets = [replace(self.net, strides={**self.net.strides, **strides}) for strides in every]
        return tuple(replace(self, net=net, alternative=()) for net in nets)

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """Return the budgets of all subnets; that of the last one is the full net."""
        limits = [subnet.limits for subnet in self.subnet]
        return (*limits[:-1], *(replace(last, macs=1.0) for last in limits[-1:]))

    @property
    def titles(self) -> tuple[str, ...]:
        """Return the names of all subnets, or numbers from 1 of those that selection names."""
        return tuple(budget.known_name or f"{i}" for i, budget in enumerate(self.budgets, 1))

    @property
    def rounding(self) -> RoundingOptions | None:
        """Return how to train the last epochs with int8 rounding, or None for no such epochs."""
        return None if self.int8 is None else self.joint.rounded(self.int8.epochs, self.int8.rate)


def method_of(recipe: Recipe, name: str = "") -> Method:
    """Return the method that a recipe describes; its pack is called `name`, by default as the recipe."""
    return Method(
        name or recipe.name,
        recipe.budgets,
        recipe.seed,
        recipe.full,
        recipe.selection,
        recipe.joint,
        recipe.rounding,
    )
