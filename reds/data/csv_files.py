"""Read CSV files of numbers strictly: a cell is a finite number, or an error names file, line and column."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import LARGEST
from reds.data.class_folders import PARTS, entries, visible
from reds.errors import DataError
from reds.reading import reason, text_of
from reds.spelling import did_you_mean
from reds.text import shown

SEPARATORS = ",;\t|"
"""Separators of cells; the most frequent one in the first line counts."""


@dataclass(frozen=True)
class Recording:
    """Hold the rows of one CSV file, in their order."""

    file: Path
    columns: tuple[str, ...]
    """Names of the features."""
    x: NDArray[np.float32]
    """Features [rows, columns]."""
    texts: Mapping[str, NDArray[np.str_]]
    """Texts [rows] of the columns that name a class or a group."""


def list_recordings(path: Path) -> dict[str, list[Path]]:
    """Return the CSV files that lie in a folder, or in its `train` and `test`, by part; else nothing.

    Raises:
        DataError: Something else lies beside them.
    """
    inside = visible(path)
    folders = {each.name: each for each in inside if each.is_dir() and each.name in PARTS}
    parts = folders if {"train", "test"} <= folders.keys() else {"train": path}
    if not any(is_csv(each) for folder in parts.values() for each in visible(folder)):
        return {}
    if len(parts) > 1:
        entries(path, folders=True)
    for folder in parts.values():
        files = [each for each in visible(folder) if is_csv(each)]
        if files and (beside := [each for each in visible(folder) if each.is_dir()]):
            raise DataError(
                f"{files[0]}: lies beside the folder {beside[0].name}: only .csv files, or only folders of"
                " classes, are needed; move it elsewhere"
            )
    found = {part: entries(parts[part], folders=False) for part in PARTS if part in parts}
    for part, files in found.items():
        if not files:
            raise DataError(f"{parts[part]}: holds no .csv file; add some, or remove the folder")
        if odd := [file for file in files if not is_csv(file)]:
            raise DataError(f"{odd[0]}: only .csv files may be in {parts[part]}; move it elsewhere")
    return found


def is_csv(path: Path) -> bool:
    """Return whether a file's name ends as that of a CSV file."""
    return path.is_file() and path.suffix.lower() == ".csv"


def read_recording(
    data: bytes, file: Path, features: Sequence[str] = (), texts: Sequence[str] = ()
) -> Recording:
    """Return the rows of a CSV file.

    The first line names the columns. A byte order mark is passed over. Cells are separated by a comma, a
    semicolon, a tab or a bar, and numbers have a decimal point.

    Args:
        data: The bytes of the file.
        file: Its name, for errors.
        features: Names of the columns of numbers; by default all but `texts`.
        texts: Names of the columns of texts.

    Raises:
        DataError: The bytes are no UTF-8, a column is missing, a line has more or fewer cells than the first,
            or a cell of a feature is empty or no finite number.
    """
    rows = _rows(data, file)
    _, header = next(rows, (1, []))
    if not header:
        raise DataError(f"{file}: line 1 is empty: write the names of the columns there, or remove the file")
    names = [name.strip() for name in header]
    _check_names(file, names, [*features, *texts])
    columns = tuple(features) or tuple(name for name in names if name not in texts)
    if not columns:
        found = ", ".join(names)
        raise DataError(f"{file}: line 1 names {found}: one column of numbers or more is needed")
    at, text_at = [names.index(name) for name in columns], {name: names.index(name) for name in texts}
    numbers: list[list[float]] = []
    words: dict[str, list[str]] = {name: [] for name in texts}
    for line, cells in rows:
        if not cells:
            raise DataError(
                f"{file}: line {line} is empty: remove it, or begin another file where a recording ends"
            )
        if len(cells) != len(names):
            raise DataError(
                f"{file}: line {line} has {len(cells)} cells, the first line {len(names)}: give every line as"
                " many, with decimal points and not commas"
            )
        numbers.append([_number(cells[i], file, line, names[i]) for i in at])
        for name, i in text_at.items():
            if not (word := cells[i].strip()):
                raise DataError(
                    f"{file}: line {line}, column {name} is empty: fill it in, or remove the line"
                )
            words[name].append(word)
    if not numbers:
        raise DataError(f"{file}: holds no line beside the names of columns: add some, or remove the file")
    of_text = {name: np.array(each) for name, each in words.items()}
    return Recording(file, columns, np.array(numbers, dtype=np.float32), of_text)


def _rows(data: bytes, file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of every line. Empty lines at the end are passed over."""
    try:
        text = text_of(data)
    except ValueError as error:
        raise DataError(f"{file}: {error}") from None
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text.rstrip(" \r\n"), newline=""), delimiter=separator, strict=True,
                        skipinitialspace=True)  # fmt: skip
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{file}: line {reader.line_num}: {reason(error)}; save the file as CSV") from None


def _check_names(file: Path, names: Sequence[str], needed: Sequence[str]) -> None:
    """Check the first line of a file."""
    for i, name in enumerate(names, 1):
        if not name:
            raise DataError(f"{file}: line 1: column {i} has no name: name it, or remove the column")
        if _is_number(name):
            raise DataError(
                f"{file}: line 1: {shown(name)} is no name of a column: add a first line of names"
            )
        if not name.isprintable():
            raise DataError(f"{file}: line 1: the name {name!a} of column {i} cannot be printed: rename it")
        if name in names[: i - 1]:
            raise DataError(f"{file}: line 1: two columns are named {name}: rename one")
    for name in needed:
        if name not in names:
            raise DataError(f"{file}: line 1: no column is named {name}: {did_you_mean(name, names)}")


def _number(cell: str, file: Path, line: int, column: str) -> float:
    """Return the number in a cell. Raises `DataError`."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and abs(value) <= LARGEST and "_" not in cell:
        return value
    where, text = f"{file}: line {line}, column {column}", cell.strip()
    if not text:
        raise DataError(f"{where} is empty: fill it in, or remove the line")
    if re.fullmatch(r"[+-]?[\d.]*,\d+", text):
        raise DataError(f"{where} is {shown(text)}: write the number with a decimal point, without commas")
    if math.isfinite(value) and "_" not in cell:
        raise DataError(
            f"{where} is {value:g}, beyond {LARGEST:,.0f}: divide the column by a number, or leave it out by"
            " naming the others, as columns = ['x', 'y'] under [data.series]"
        )
    raise DataError(
        f"{where} is {shown(text)}, which is no finite number: correct it, remove the line, or leave the"
        " column out by naming the others, as columns = ['x', 'y'] under [data.series]"
    )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
