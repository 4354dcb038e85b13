"""Read a user's own pictures or sounds from folders named after their classes.

The folder holds `train/CLASS/` and `test/CLASS/`, optionally `validation/CLASS/`, or just `CLASS/`. In the
last case a fixed share of each class becomes the test part. Two examples of one object may then be in both
parts; sort them into `train` and `test`, or name the group, where that matters.

Names that begin with a dot are ignored. Every other file has to be an example in the folder of its class, all
of one kind. Pictures have one size. If all of them are gray they have one unit, else three.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import Part, RawData
from reds.data.class_folders import ClassFolders, FolderReader
from reds.data.groups import groups_of, split_parts
from reds.data.image_file import decode
from reds.data.images import Pixels
from reds.data.options import SOUND_SUFFIXES, DataOptions
from reds.errors import DataError


def read_folder(listed: ClassFolders, options: DataOptions, seed: int) -> RawData:
    """Return the examples in pictures or sounds of a folder.

    Args:
        listed: The files.
        options: How to read sounds, and the group of a file's name.
        seed: Chooses the validation part, where it is split by group.

    Raises:
        DataError: A file cannot be used, which is named, or the groups cannot be split.
    """
    reader, files = FolderReader(listed.root), listed.all_files
    notes: tuple[str, ...] = ()
    front_end: Mapping[str, object] = {}
    x: NDArray[Any]
    if files[0].suffix.lower() in SOUND_SUFFIXES:
        from reds.data.sounds import read_sounds  # needs soundfile

        sounds = read_sounds(files, reader, options.sounds)
        x, notes, front_end = sounds.x, sounds.notes, sounds.front_end
    else:
        x = _read_pictures(files, reader)
    ends = np.cumsum([len(each) for each in listed.files.values()])[:-1]
    parts = zip(listed.labels.items(), np.split(x, ends), strict=True)
    given = {part: Part(of_part, labels) for (part, labels), of_part in parts}
    groups = options.group and {part: groups_of(each, options.group) for part, each in listed.files.items()}
    made, rule = split_parts(listed.root, given, groups or None, listed.classes, seed)
    source = listed.root.resolve().name
    return RawData(made, listed.classes, reader.sha256, source, rule, notes, front_end)


def _read_pictures(files: Sequence[Path], reader: FolderReader) -> Pixels:
    """Return pixels uint8 [N, rows, columns, units] of all files."""
    images: list[Pixels] = []
    for file in files:
        images.append(decode(reader.read(file), str(file)))
        rows, columns = images[0].shape[:2]
        if images[-1].shape[:2] != (rows, columns):
            height, width = images[-1].shape[:2]
            wanted = f"{columns} x {rows} pixels, as {files[0]} has, are needed"
            raise DataError(f"{file}: is {width} x {height}; {wanted}: resize it")
    units = max(image.shape[2] for image in images)
    return np.stack([np.broadcast_to(image, (rows, columns, units)) for image in images])
