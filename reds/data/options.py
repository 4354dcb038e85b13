"""Which examples to train on and how to vary them, as plain facts."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DataOptions:
    """Choose examples."""

    set: str
    """A name of `reds.data.catalog.SETS`, or the path of your own .npz or folder, relative to the recipe."""
    source: Literal["auto", "prepared", "archive"] = "auto"
    """Files put under REDS_DATA, or the official home of the data. `auto`: the files if they are there.

    Own data take `auto` only.
    """
    every: int = 1
    """Keep every second, third... row of an example; a row of speech is a frame of 20 ms."""
    balanced: bool = False
    """Draw every class equally often, with replacement; else every example once an epoch."""


@dataclass(frozen=True)
class AugmentationOptions:
    """Vary a training example each time it is drawn."""

    shift_rows: int = 0
    """Largest shift in rows, either way, before rows are left out; the row at the edge fills the gap."""
    shift_columns: int = 0
    """Largest shift in columns, either way; the column at the edge fills the gap."""
    flip: bool = False
    """Mirror left and right, half of the time."""
    mixup: float = 0.0
    """Largest share of another example that is blended in, features and target alike."""
