"""The recipe: one TOML file says everything that a build does.

The dataclasses below are the format: a table for each, a key for each field. No key has a default, so that a
recipe can be read without this file beside it; what may be left out is not done. `recipe.file` reads it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Literal


class RecipeError(ValueError):
    """A recipe cannot be read; the text names the file, the table and the key."""


class DivergedError(ArithmeticError):
    """Training left the finite numbers; the text names the table and its key to lower."""


@dataclass(frozen=True)
class Net:
    """`[net]`: which network."""

    name: str
    """As `reds.nets.by_name` takes it; its input has to be that of the data."""


@dataclass(frozen=True)
class Data:
    """`[data]`: which examples."""

    set: str
    """A name of `reds.data.sets.SETS`, or the place of an own .npz or folder, relative to the recipe."""
    source: Literal["auto", "prepared", "archive"]
    """Files put under REDS_DATA, or the data's official home. `auto`: the files if they are there.

    Own data are where `set` says, which is `auto` as well.
    """
    every: int
    """Keep every second, third... row of an example; a row of speech is a frame of 20 ms."""
    balanced: bool
    """Draw every class equally often, with replacement; else every example once an epoch."""


@dataclass(frozen=True)
class Augmentation:
    """`[augmentation]`: what is done to a training example as it is drawn."""

    shift_rows: int
    """Largest shift, either way, in rows before any is left out; the row at the edge fills the gap."""
    shift_columns: int
    flip: bool
    """Turn left to right, half of the time."""
    mixup: float
    """Largest share of another example that is blended in, features and target alike; 0 for none."""


@dataclass(frozen=True)
class Training:
    """`[full]`: how to train. `rate` is the peak of a one-cycle schedule of AdamW."""

    epochs: int
    batch: int
    rate: float
    weight_decay: float
    smoothing: float
    dropout: float

    @property
    def table(self) -> str:
        """Where a recipe says it."""
        return "[full]"


@dataclass(frozen=True)
class JointTraining(Training):
    """`[joint]`: how to train all subnets together."""

    distil: float
    """Share of the full net's answers in the targets of the smaller subnets; the rest are the labels."""
    norms: Literal["own", "shared"]
    """Each subnet its own; or one for all, fixed at the full net's statistics, as the paper has it."""

    @property
    def table(self) -> str:
        """Where a recipe says it."""
        return "[joint]"


@dataclass(frozen=True)
class RoundedTraining(JointTraining):
    """`[joint]` again, as long and as fast as `[int8]` says."""

    @property
    def table(self) -> str:
        """Where a recipe says it."""
        return "[int8]"


@dataclass(frozen=True)
class Int8:
    """`[int8]`: last epochs of all subnets together, rounded as the pack rounds them."""

    epochs: int
    rate: float


@dataclass(frozen=True)
class Selection:
    """`[selection]`: how units are chosen."""

    importance: Literal["gradient", "magnitude", "random"]
    """What a weight's score is: `gradient` is the paper's, the others are its baselines."""
    scored: Literal["units", "kernels"]
    """What counts: units, or of pointwise layers each kernel, kept where both its units are."""
    objective: Literal["balanced", "product", "sum"]
    """The sum of the importance kept, as in the paper; or of the shares kept in each group the product, or a
    mean near the smallest."""
    order: Literal["bottom-up", "top-down", "joint", "uniform"]
    """Which subnet is chosen first; `uniform` is the baseline: the same share of every unit group."""
    step: int
    """Widths are multiples of this."""
    least: int
    """Fewest units that a unit group keeps."""


@dataclass(frozen=True)
class DeviceRecipe:
    """`[device]`: where the subnets shall run, which arena and latency depend on."""

    layout: Literal["canonical", "radix256", "vnni", "neon"]
    """Of its kernels."""
    times: str | None = None
    """File of times from `python -m hil.kernels.layer_latency`; its place is relative to the recipe."""


@dataclass(frozen=True)
class SubnetRecipe:
    """`[[subnet]]`, smallest first: a fraction of the full net's MACs, and the accuracy it must hold.

    All but the last, which is the full net, may have further budgets.
    """

    budget: float
    floor: float
    flash: int | None = None
    """Bytes of weights and tables."""
    arena: int | None = None
    """Bytes."""
    latency: float | None = None
    """Microseconds, by the times of `[device]`."""

    @property
    def label(self) -> str:
        """The subnet's name: its budget in percent."""
        return f"{self.budget * 100:g}%"

    @property
    def limited(self) -> bool:
        """Whether it has further budgets."""
        return (self.flash, self.arena, self.latency) != (None, None, None)


@dataclass(frozen=True)
class Recipe:
    """The whole file."""

    name: str
    seed: int
    net: Net
    data: Data
    augmentation: Augmentation
    full: Training
    selection: Selection
    joint: JointTraining
    subnet: tuple[SubnetRecipe, ...]
    device: DeviceRecipe | None = None
    int8: Int8 | None = None

    @property
    def rounded(self) -> RoundedTraining | None:
        """How to train the last epochs, if there are any."""
        if self.int8 is None:
            return None
        return RoundedTraining(**asdict(replace(self.joint, epochs=self.int8.epochs, rate=self.int8.rate)))
