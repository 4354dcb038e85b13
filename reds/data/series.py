"""Cut time series into windows of equally many rows, each with one class, and split them without overlap."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import Part, RawData, check_classes, check_parts
from reds.data.class_folders import ClassFolders, FolderReader
from reds.data.csv_files import Recording, read_recording
from reds.data.groups import groups_of, split_parts
from reds.data.options import DataOptions, SeriesOptions
from reds.data.time_split import split_in_time
from reds.errors import DataError
from reds.text import shown

_RISING = 0.98
"""Least share of rows whose value is above that of the row before, in a column of a clock."""


class Windows(NamedTuple):
    """Hold the windows of some recordings, in the order of files and time."""

    x: NDArray[np.float32]
    """[N, window, 1, columns]."""
    label: NDArray[np.str_]
    """Name of the class of each window [N]."""
    start: NDArray[np.int64]
    """Row of its file where each window starts [N]."""
    file: NDArray[np.str_]
    """File of each window [N]."""
    group: NDArray[np.str_] | None
    """Person or device of each window [N], if it is known."""
    short: int
    """Stretches of one class that are shorter than a window, and left out."""
    longest: Mapping[str, tuple[int, Path]]
    """Rows of the longest stretch of each class, and its file."""


def read_series(files: Mapping[str, Sequence[Path]], root: Path, options: DataOptions, seed: int) -> RawData:
    """Return the windows of CSV files with a column that names the class.

    Args:
        files: Files of each part; a part `test` and `validation` is cut off `train` if it is not given.
        root: The file or folder that holds them.
        options: How to cut windows, and the group of a row or file.
        seed: Chooses the validation part, where it is drawn.

    Raises:
        DataError: A file or option cannot be used, or the windows cannot be split.
    """
    return _series(files, {}, root, options, seed)


def read_class_series(listed: ClassFolders, options: DataOptions, seed: int) -> RawData:
    """Return the windows of CSV files in folders named after their classes.

    Args:
        listed: The folders and their files.
        options: Options of `[data]`.
        seed: Seed of the split into parts.

    Raises:
        DataError: A file or option cannot be used, or the windows cannot be split.
    """
    label = {
        file: listed.classes[i]
        for part, files in listed.files.items()
        for file, i in zip(files, listed.labels[part].tolist(), strict=True)
    }
    return _series(listed.files, label, listed.root, options, seed)


def _series(
    files: Mapping[str, Sequence[Path]],
    label: Mapping[Path, str],
    root: Path,
    options: DataOptions,
    seed: int,
) -> RawData:
    """Return the windows of files; `label` has the class of a file that has no column of labels."""
    series = options.series
    for name, rows in (("window", series.window), ("stride", _stride(series))):
        if rows < 1:
            raise DataError(f"{root}: series, {name} is {rows}: 1 row or more is needed")
    if series.group and options.group:
        raise DataError(f"{root}: group is given for names of files and for a column: leave one out")
    reader = FolderReader(root if root.is_dir() else root.parent)
    texts = [*([] if label else [series.label]), *([series.group] if series.group else [])]
    read = {
        part: [read_recording(reader.read(file), file, series.columns, texts) for file in each]
        for part, each in files.items()
    }
    recordings = [one for each in read.values() for one in each]
    _check_columns(recordings, bool(series.columns) or series.window == 1)
    windows = {part: _windows(each, label, root, options) for part, each in read.items()}
    for part, each in windows.items():
        if not len(each.x):
            raise DataError(
                f"{root}: {part}: no {series.window} rows in a row are of one class: write a smaller window ="
                " under [data.series]; 1 makes every row an example"
            )
        for name in sorted(each.longest.keys() - set(each.label.tolist())):
            rows, file = each.longest[name]
            raise DataError(
                f"{file}: the class {shown(str(name))} has no {series.window} rows in a row, at most {rows}:"
                f" write window = {rows} under [data.series], or correct or remove these rows"
            )
    classes = _classes(root, windows["train"].label, series.label)
    parts = {part: Part(each.x, _numbers(root, part, each.label, classes)) for part, each in windows.items()}
    parts, rule = _split(root, parts, windows, series, classes, seed)
    check_parts(root, parts, classes)
    return RawData(
        parts, classes, reader.sha256, root.resolve().name, rule, _notes(windows, series),
        {"features": "window", "rows": series.window, "columns": list(recordings[0].columns)},
    )  # fmt: skip


def _stride(series: SeriesOptions) -> int:
    return max(1, series.window // 2) if series.stride is None else series.stride


def _check_columns(recordings: Sequence[Recording], any_order: bool) -> None:
    """Check that all files have the same columns, and that none of them is a clock.

    Args:
        recordings: The files.
        any_order: A column may rise from row to row.
    """
    first = recordings[0]
    for one in recordings:
        if one.columns != first.columns:
            expected, found = ", ".join(first.columns), ", ".join(one.columns)
            raise DataError(f"{one.file}: line 1: its columns are {found}, those of {first.file} {expected}:"
                            " give all files the same ones, in one order")  # fmt: skip
    for i, name in enumerate(first.columns):
        if not any_order and all(_rises(one.x[:, i]) for one in recordings):
            kept = [column for column in first.columns if column != name]
            raise DataError(
                f"{first.file}: column {name} rises from each line to the next, as a clock or a counter does:"
                f" write columns = {kept} under [data.series], or name it there to read it"
            )


def _rises(values: NDArray[np.float32]) -> bool:
    """Return whether a column counts up, also where it begins again from time to time."""
    return len(values) > 2 and float((np.diff(values) > 0).mean()) >= _RISING


def _windows(
    recordings: Sequence[Recording], label: Mapping[Path, str], root: Path, options: DataOptions
) -> Windows:
    """Return the windows of the files of one part."""
    series, short = options.series, 0
    longest: dict[str, tuple[int, Path]] = {}
    window, stride = series.window, _stride(series)
    found: list[tuple[NDArray[np.float32], str, int, str, str]] = []
    of_file = {one.file: one.file.name for one in recordings}
    if options.group:
        of_file = dict(zip(of_file, groups_of(list(of_file), options.group).tolist(), strict=True))
    for one in recordings:
        rows = len(one.x)
        labels = np.full(rows, label[one.file]) if label else one.texts[series.label]
        groups = one.texts[series.group] if series.group else np.full(rows, of_file[one.file])
        changes = np.flatnonzero((labels[1:] != labels[:-1]) | (groups[1:] != groups[:-1])) + 1
        for begin, end in zip([0, *changes], [*changes, rows], strict=True):
            short += end - begin < window
            longest[labels[begin]] = max(longest.get(labels[begin], (0, one.file)), (end - begin, one.file))
            for at in range(begin, end - window + 1, stride):
                found.append((one.x[at : at + window], labels[at], at, str(one.file), groups[at]))
    x = np.stack([each[0] for each in found]) if found else np.zeros((0, window, 1), np.float32)
    texts = [np.array([each[i] for each in found]) for i in (1, 2, 3, 4)]
    known = texts[3] if series.group or options.group else None
    return Windows(x[:, :, None], texts[0], texts[1], texts[2], known, short, longest)


def _classes(root: Path, labels: NDArray[np.str_], column: str) -> tuple[str, ...]:
    """Return the classes in alphabetical order, or in that of numbers where all are whole numbers."""
    names = sorted(set(labels.tolist()))
    if all(name.lstrip("-").isdecimal() for name in names):
        names.sort(key=int)
    check_classes(f"{root}: column {column}", tuple(names))
    return tuple(names)


def _numbers(root: Path, part: str, labels: NDArray[np.str_], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the label of each window as a number."""
    number = {name: i for i, name in enumerate(classes)}
    if unknown := sorted(set(labels.tolist()) - set(classes)):
        raise DataError(f"{root}: {part}: the class {shown(unknown[0])} is not in the training part: add some"
                        " windows there, or leave it out")  # fmt: skip
    return np.array([number[name] for name in labels.tolist()])


def _split(
    root: Path, parts: dict[str, Part], windows: Mapping[str, Windows], series: SeriesOptions,
    classes: tuple[str, ...], seed: int,
) -> tuple[dict[str, Part], str]:  # fmt: skip
    """Split by group if groups are known, else by file if every class has enough, else in time."""
    if series.window == 1 and windows["train"].group is None:
        return split_parts(root, parts, None, classes, seed)
    groups = {part: each.group for part, each in windows.items() if each.group is not None}
    if groups:
        return split_parts(root, parts, groups, classes, seed)
    train = windows["train"]
    least = min(len(np.unique(train.file[train.label == name])) for name in classes)
    if least >= (2 if "test" in parts else 3) or "validation" in parts:
        files = {part: each.file for part, each in windows.items()}
        made, rule = split_parts(root, parts, files, classes, seed)
        return made, f"{rule}; a group is a file"
    return split_in_time(root, parts, train.file, train.start, series.window, classes)


def _notes(windows: Mapping[str, Windows], series: SeriesOptions) -> tuple[str, ...]:
    short = sum(each.short for each in windows.values())
    if not short:
        return ()
    return (f"{short} stretches of one class are shorter than {series.window} rows and left out",)
