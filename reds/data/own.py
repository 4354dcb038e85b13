"""Read a user's own data from a path: an .npz or .csv file, or a folder of pictures, sounds or .csv files."""

from collections import Counter
from pathlib import Path

from reds.data.catalog import SETS
from reds.data.checks import RawData
from reds.data.class_folders import ClassFolders, list_class_folders
from reds.data.csv_files import list_recordings
from reds.data.npz import read_npz
from reds.data.options import SOUND_SUFFIXES, DataOptions, SeriesOptions, SoundOptions
from reds.data.series import read_class_series, read_series
from reds.errors import DataError
from reds.reading import reason
from reds.text import is_printable

NAME_BYTES = 200
"""Most bytes of a data set's name, which is part of the name of its labeled examples' file."""
KINDS = {".csv": "tables", **dict.fromkeys(SOUND_SUFFIXES, "sounds")}
"""Kinds of files by suffix; all others are read as pictures."""


def own_name(path: Path) -> str:
    """Return the name of the data set in a file or folder: that of the path, without .npz or .csv.

    Raises:
        DataError: The path does not exist or cannot be read, or its name cannot be printed or is long.
    """
    try:
        name = path.resolve(strict=True).name.removesuffix(".npz").removesuffix(".csv")
    except FileNotFoundError:
        known = ", ".join(SETS)
        raise DataError(
            f"{path}: no such file or folder: [data] set is one of {known}, or the path of your own .npz,"
            " .csv or folder, relative to the recipe"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a link to itself
        raise DataError(
            f"{path}: cannot be read: {reason(error)}; name an .npz or .csv file or a folder"
        ) from None
    if not is_printable(name) or len(name.encode()) > NAME_BYTES:
        raise DataError(f"{path}: a printable name of up to {NAME_BYTES} bytes is needed: rename it")
    return name


def read_own(path: Path, options: DataOptions, seed: int) -> RawData:
    """Return all examples of a file or folder.

    Args:
        path: The file or folder, which exists.
        options: How to read sounds and time series, and the group of a file's name.
        seed: Chooses the validation part, where examples are split by group or by time.

    Raises:
        DataError: The examples cannot be used, or an option is given that they do not have.
    """
    if not path.is_dir():
        if path.suffix.lower() == ".csv":
            check_used(path, options, "series")
            return read_series({"train": [path]}, path, options, seed)
        if path.suffix.lower() != ".npz":
            raise DataError(
                f"{path}: is no .npz, .csv or folder: write numbers as CSV or with numpy.savez, put pictures"
                " or sounds into folders named after their classes"
            )
        check_used(path, options, "task")
        return read_npz(path, options.task)
    if recordings := list_recordings(path):
        check_used(path, options, "series", "group")
        return read_series(recordings, path, options, seed)
    listed = list_class_folders(path)
    kind = _common_kind(listed)
    if kind == "tables":
        check_used(path, options, "series", "group")
        return read_class_series(listed, options, seed)
    from reds.data.folder import read_folder  # needs Pillow

    check_used(path, options, "group", *(["sounds"] if kind == "sounds" else []))
    return read_folder(listed, options, seed)


def _common_kind(listed: ClassFolders) -> str:
    """Return what most files of a folder are. Raises `DataError` for the first one of another kind."""
    kinds = [KINDS.get(file.suffix.lower(), "pictures") for file in listed.all_files]
    kind, _ = Counter(kinds).most_common(1)[0]
    for file, other in zip(listed.all_files, kinds, strict=True):
        if other != kind:
            raise DataError(f"{file}: is one of {other} among {kind}: one kind is needed; move it elsewhere")
    return kind


def check_used(path: Path, options: DataOptions, *used: str) -> None:
    """Raise `DataError` if an option is given that would not count for these data."""
    given = {
        "group": options.group is not None,
        "task": options.task != "classes",
        "sounds": options.sounds != SoundOptions(),
        "series": options.series != SeriesOptions(),
    }
    for name in given.keys() - set(used):
        if given[name]:
            of = {"group": "a folder", "sounds": "sound files", "series": ".csv files"}[name]
            raise DataError(f"{path}: {name} is given, but is an option of {of}: remove it")
