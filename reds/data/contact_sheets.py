"""Images packed as lossless WebP contact sheets, for machines that cannot reach the official files.

An npz holds for a part `PART_shape` (rows, columns and units of a picture, pictures in a row of a sheet),
`PART_y`, `PART_sheet_000`... and, where a part is spread over files, `PART_index`, the official positions.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reds.data.local_files import check_sha256
from reds.data.images import Images, Pixels
from reds.errors import DataError

Part = tuple[Pixels, Pixels, NDArray[np.integer[Any]]]
"""Pixels, labels and official positions of some pictures."""


def load_contact_sheets(folder: Path, files: Mapping[str, str]) -> Images:
    """The pictures of some npz files (name: sha256) in their official order.

    Raises `DataError` if one is missing or has another checksum.
    """
    parts: dict[str, list[Part]] = {"train": [], "test": []}
    for name, sha256 in files.items():
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path} is missing: set REDS_DATA to the folder that holds {name}")
        check_sha256(path, sha256)
        with np.load(path, allow_pickle=False) as file:
            for part, found in parts.items():
                if f"{part}_y" in file:
                    found.append(_part(file, part))
    train, test = (_in_order(found) for found in parts.values())
    return Images(*train, *test, files)


def _part(file: Mapping[str, Pixels], part: str) -> Part:
    rows, columns, units, across = (int(n) for n in file[f"{part}_shape"])
    y, sheets = file[f"{part}_y"], []
    for key in sorted(key for key in file if key.startswith(f"{part}_sheet_")):
        image = Image.open(io.BytesIO(file[key].tobytes())).convert("L" if units == 1 else "RGB")
        grid = np.asarray(image).reshape(-1, rows, across, columns, units)
        sheets.append(grid.swapaxes(1, 2).reshape(-1, rows, columns, units))
    order: NDArray[np.integer[Any]] = np.arange(len(y))
    order = file.get(f"{part}_index", order)
    return np.concatenate(sheets)[: len(y)], y, order


def _in_order(found: list[Part]) -> tuple[Pixels, Pixels]:
    x, y, index = zip(*found, strict=True)
    order = np.argsort(np.concatenate(index))
    return np.concatenate(x)[order], np.concatenate(y)[order]
