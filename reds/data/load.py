"""Load an official data set from the source that this machine has: prepared files or the official home."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from rich.console import Console

from reds.data import cifar10, fashion_mnist, speech_archive, speech_prepared
from reds.data.arrays import read_arrays
from reds.data.catalog import SETS, Data
from reds.data.images import Images, split
from reds.data.local_files import data_home
from reds.data.options import DataOptions
from reds.data.speech import SpeechClips
from reds.errors import DataError
from reds.fixtures import fixtures_dir
from reds.pack.interpreter import clamp_input

IMAGES: Mapping[str, tuple[Mapping[str, str], Callable[[Path, Console], Images]]] = {
    "fashion-mnist": (fashion_mnist.SHEETS, fashion_mnist.load_fashion_mnist),
    "cifar-10": (cifar10.SHEETS, cifar10.load_cifar10),
}


def load_data(options: DataOptions, seed: int, console: Console) -> Data:
    """Load the examples of an official data set, each with all of its rows.

    Args:
        options: Name and source of the data set. `auto` takes the prepared files under REDS_DATA if the first
            of them exists, else the official archive.
        seed: Chooses the validation images of image sets.
        console: Shows downloads.

    Raises:
        DataError: A file is missing, cannot be downloaded or has another checksum.
    """
    home, source, spec = data_home(), options.source, SETS[options.set]

    def use_prepared(file: str) -> bool:
        return source == "prepared" or (source == "auto" and (home / file).is_file())

    if options.set in IMAGES:
        sheets, official = IMAGES[options.set]
        if use_prepared(next(iter(sheets))):
            from reds.data.contact_sheets import load_contact_sheets  # needs Pillow

            return split(spec, load_contact_sheets(home, sheets), seed)
        return split(spec, official(home, console), seed)
    if spec.name == "visual-wake-words":
        if source == "prepared":
            raise DataError(
                f"{spec.name} is not prepared: put its archive in {home} and write source = 'archive'"
            )
        from reds.data.visual_wake_words import load_visual_wake_words  # needs Pillow

        return load_visual_wake_words(spec, home, console)
    if use_prepared(speech_prepared.FILE):
        return speech_data(speech_prepared.load_prepared(home))
    return speech_data(speech_archive.load_archive(home, console))


def speech_data(clips: SpeechClips) -> Data:
    """Return speech clips as examples, with the shipped clips as test part."""
    spec = SETS["speech-commands"]
    labeled = read_arrays(fixtures_dir() / spec.file)
    test_x, test_y = clamp_input(labeled["x"]), labeled["y"].astype(np.uint8)
    return Data(
        spec, clips.train_x[..., None], clips.train_y, clips.validation_x[..., None],
        clips.validation_y, test_x[..., None], test_y, clips.files, clips.split,
    )  # fmt: skip
