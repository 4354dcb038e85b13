"""Read images packed as lossless WebP contact sheets, on machines that cannot reach the official files.

For each part an npz file holds:
- `PART_shape`: rows, columns and units of an image, and the images in a row of a sheet.
- `PART_y`: the labels.
- `PART_sheet_000`...: the sheets.
- `PART_index`: the official positions, where a part is spread over files.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reds.data.arrays import read_arrays
from reds.data.images import Images, Pixels
from reds.data.local_files import check_sha256
from reds.errors import DataError

Part = tuple[Pixels, Pixels, NDArray[np.integer[Any]]]
"""Pixels, labels and official positions of some images."""


def load_contact_sheets(folder: Path, files: Mapping[str, str]) -> Images:
    """Return the images of some npz files (name: sha256) in their official order.

    Raises `DataError` if a file is missing or has another checksum.
    """
    parts: dict[str, list[Part]] = {"train": [], "test": []}
    for name, sha256 in files.items():
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path} is missing: set REDS_DATA to the folder that holds {name}")
        check_sha256(path, sha256)
        arrays = read_arrays(path)
        for part, found in parts.items():
            if f"{part}_y" in arrays:
                found.append(_read_part(arrays, part))
    train, test = (_in_order(found) for found in parts.values())
    return Images(*train, *test, files)


def _read_part(arrays: Mapping[str, NDArray[Any]], part: str) -> Part:
    rows, columns, units, across = (int(n) for n in arrays[f"{part}_shape"])
    y, sheets = arrays[f"{part}_y"], []
    for key in sorted(key for key in arrays if key.startswith(f"{part}_sheet_")):
        image = Image.open(io.BytesIO(arrays[key].tobytes())).convert("L" if units == 1 else "RGB")
        grid = np.asarray(image).reshape(-1, rows, across, columns, units)
        sheets.append(grid.swapaxes(1, 2).reshape(-1, rows, columns, units))
    order: NDArray[np.integer[Any]] = np.arange(len(y))
    order = arrays.get(f"{part}_index", order)
    return np.concatenate(sheets)[: len(y)], y, order


def _in_order(found: list[Part]) -> tuple[Pixels, Pixels]:
    """Return pixels and labels of all parts in the order of their official positions."""
    x, y, index = zip(*found, strict=True)
    order = np.argsort(np.concatenate(index))
    return np.concatenate(x)[order], np.concatenate(y)[order]
