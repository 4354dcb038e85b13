"""Settings of the examples and their augmentation, as plain dataclasses that recipes and code share."""

from dataclasses import dataclass, field
from typing import Literal

from reds.pack.task import Task

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
"""Ends of the names of sound files, in lower case."""


@dataclass(frozen=True)
class SoundOptions:
    """Say how sound files become features: `[data.sounds]` of a recipe."""

    features: Literal["mfcc", "log-mel"] = "mfcc"
    """`mfcc` gives 10 coefficients a frame, `log-mel` 40 bands."""
    seconds: float | None = None
    """Length of every example. Longer sounds are cut, shorter ones padded with silence. By default it is that
    of the longest sound.
    """
    highest_hz: float = 4000.0
    """Upper end of the highest band. Nothing above it reaches the features."""


@dataclass(frozen=True)
class SeriesOptions:
    """Say how time series in CSV files become examples: `[data.series]` of a recipe."""

    window: int = 64
    """Rows of an example. 1 makes every row an example."""
    stride: int | None = None
    """Rows from the start of a window to that of the next; by default half a window."""
    label: str = "label"
    """Column of the class. Files in folders named after classes have none."""
    columns: tuple[str, ...] = ()
    """Columns of the features; by default all but those of the label and the group."""
    group: str | None = None
    """Column of the person or device that a row is from. A group is in one part only."""


@dataclass(frozen=True)
class DataOptions:
    """Say which examples to train on."""

    set: str
    """Name of an official data set (`reds.data.catalog.SETS`), or path of your own data, relative to the
    recipe: an .npz or a .csv file, or a folder of pictures, sounds or .csv files.
    `imagenet:FOLDER` is ImageNet-1K in a folder of yours.
    """
    source: Literal["auto", "prepared", "archive"] = "auto"
    """`prepared` reads files under REDS_DATA. `archive` downloads from the data's official home. `auto` takes
    the files if they exist, else the archive. A user's own data need `auto`.
    """
    every: int = 1
    """Keep every second, third... row of an example. A row of speech is a frame of 20 ms."""
    balanced: bool = False
    """Draw every class equally often, with replacement; otherwise draw every example once per epoch."""
    group: str | None = None
    """Regular expression that finds the speaker, patient or device in the name of each file of a folder, as
    `^(.+)_nohash`. What its first parentheses match is the group, and a group is in one part only.
    """
    task: Task = "classes"
    """Outputs of the net, for an .npz file: `classes`; `values`, as of a regression; or `anomalies`, where an
    autoencoder gives back usual examples.
    """
    sounds: SoundOptions = field(default_factory=SoundOptions)
    series: SeriesOptions = field(default_factory=SeriesOptions)


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
