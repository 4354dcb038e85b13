"""Which source of Speech Commands a recipe gets on this machine."""

from typing import Literal

from rich.console import Console

from reds.data import archive, prepared
from reds.data.home import data_home
from reds.data.speech import SpeechData


def load_speech(source: Literal["auto", "prepared", "archive"], console: Console) -> SpeechData:
    """Clips to train on and to choose by. `auto`: the prepared features if they are there, else the archive.

    Raises `DataError` if they are missing, cannot be fetched or have another checksum.
    """
    home = data_home()
    if source == "prepared" or (source == "auto" and (home / prepared.FILE).is_file()):
        return prepared.load_prepared(home)
    return archive.load_archive(home, console)
