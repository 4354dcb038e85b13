"""Settings of the examples and their augmentation, as plain dataclasses that recipes and code share."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DataOptions:
    """Say which examples to train on."""

    set: str
    """Name of an official data set (`reds.data.catalog.SETS`), or path of an .npz file or a folder of images,
    relative to the recipe.
    """
    source: Literal["auto", "prepared", "archive"] = "auto"
    """`prepared` reads files under REDS_DATA. `archive` downloads from the data's official home. `auto` takes
    the files if they exist, else the archive. A user's own data need `auto`.
    """
    every: int = 1
    """Keep every second, third... row of an example. A row of speech is a frame of 20 ms."""
    balanced: bool = False
    """Draw every class equally often, with replacement; otherwise draw every example once per epoch."""


@dataclass(frozen=True)
class AugmentationOptions:
    """Say how a training example varies each time it is drawn."""

    shift_rows: int = 0
    """Largest shift in rows, up or down, before rows are left out; the row at the edge fills the gap."""
    shift_columns: int = 0
    """Largest shift in columns, left or right; the column at the edge fills the gap."""
    flip: bool = False
    """Mirror half of the examples left to right."""
    mixup: float = 0.0
    """Largest share of another example that is mixed into features and target."""
