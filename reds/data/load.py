"""Which source of a data set a recipe gets on this machine."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from rich.console import Console

from reds.data import cifar10, fashion_mnist, speech_archive, speech_prepared
from reds.data.local_files import data_home
from reds.data.options import DataOptions
from reds.data.images import Images, split
from reds.data.catalog import SETS, Data
from reds.data.speech import SpeechClips
from reds.errors import DataError
from reds.fixtures import fixtures_dir
from reds.pack.interpreter import clamp_input

PICTURES: Mapping[str, tuple[Mapping[str, str], Callable[[Path, Console], Images]]] = {
    "fashion-mnist": (fashion_mnist.SHEETS, fashion_mnist.load_fashion_mnist),
    "cifar-10": (cifar10.SHEETS, cifar10.load_cifar10),
}


def load_data(options: DataOptions, seed: int, console: Console) -> Data:
    """Load the examples of an official data set, each with all of its rows.

    `prepared` are files put under REDS_DATA, `archive` is the data's official home; `auto` takes the files
    if the first of them is there, else the archive. Raises `DataError` if they are missing, cannot be fetched
    or have another checksum.
    """
    home, source, data_set = data_home(), options.source, SETS[options.set]

    def put_there(file: str) -> bool:
        return source == "prepared" or (source == "auto" and (home / file).is_file())

    if options.set in PICTURES:
        sheets, official = PICTURES[options.set]
        if put_there(next(iter(sheets))):
            from reds.data.contact_sheets import load_contact_sheets  # needs Pillow

            return split(data_set, load_contact_sheets(home, sheets), seed)
        return split(data_set, official(home, console), seed)
    if data_set.name == "visual-wake-words":
        if source == "prepared":
            raise DataError(
                f"{data_set.name} is not prepared: put its archive in {home}, write source = 'archive'"
            )
        from reds.data.visual_wake_words import load_visual_wake_words  # needs Pillow

        return load_visual_wake_words(data_set, home, console)
    if put_there(speech_prepared.FILE):
        return speech_data(speech_prepared.load_prepared(home))
    return speech_data(speech_archive.load_archive(home, console))


def speech_data(clips: SpeechClips) -> Data:
    """Clips as examples, tested on the shipped ones."""
    data_set = SETS["speech-commands"]
    with np.load(fixtures_dir() / data_set.file, allow_pickle=False) as file:
        test_x, test_y = clamp_input(file["x"]), file["y"].astype(np.uint8)
    return Data(
        data_set, clips.train_x[..., None], clips.train_y, clips.validation_x[..., None],
        clips.validation_y, test_x[..., None], test_y, clips.files, clips.split,
    )  # fmt: skip
