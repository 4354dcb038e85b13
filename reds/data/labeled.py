"""Write the labeled examples that boards are held to, and find them again by a card; needs only numpy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.catalog import Data
from reds.data.local_files import data_home, sha256_of
from reds.errors import LabeledSetMissing
from reds.files import atomic_file
from reds.fixtures import fixtures_dir
from reds.pack.interpreter import clamp_input


def find_labeled(card: Mapping[str, Any], beside: Path) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Return inputs int8 [N, input_size] in [-127, 127] and labels uint8 [N] of the card's labeled examples.

    Looks in `beside` (the folder of the pack), in the fixtures, then in `REDS_DATA`, and accepts only a file
    with the sha256 of the card. Raises `LabeledSetMissing` with the places that were searched.
    """
    try:
        entry = card["labelled"]
        name, sha256, every, count = entry["file"], entry["sha256"], int(entry["every"]), int(entry["clips"])
    except (KeyError, TypeError, ValueError):
        raise LabeledSetMissing(
            "the card names no labeled set: it needs `labelled` with file, sha256, every and clips; build the"
            " pack again"
        ) from None
    if not isinstance(name, str) or Path(name).name != name or every < 1:
        raise LabeledSetMissing(
            f"the card's labeled set cannot be used: file {name!r} must be a bare name and every {every} at"
            " least 1; build the pack again"
        )
    refused = []
    for folder in (beside, fixtures_dir(), data_home()):
        path = folder / name
        if not path.is_file():
            refused.append(f"not in {folder}")
        elif (found := sha256_of(path)) != sha256:
            refused.append(f"{path} has another sha256 ({found[:12]})")
        else:
            return _read(path, every, count)
    places = "; ".join(refused)
    remedy = "copy it beside the pack, or build the pack again"
    raise LabeledSetMissing(f"{name} (sha256 {str(sha256)[:12]}): {places}: {remedy}")


def _read(path: Path, every: int, count: int) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    with np.load(path, allow_pickle=False) as file:
        x, y = file["x"], file["y"]
    if len(x) != count or len(y) != count:
        raise LabeledSetMissing(
            f"{path} holds {len(x)} examples and {len(y)} labels, the card says {count}: build the pack again"
        )
    return clamp_input(x[:, ::every].reshape(count, -1)), y.astype(np.uint8)


def save_labeled(data: Data, every: int, folder: Path) -> dict[str, Any]:
    """Write the labeled examples into `folder`, unless they are shipped, and return their entry of the card.

    Args:
        data: The first test examples are the labeled ones.
        every: The net reads every second, third... row of an example.
        folder: Folder of the pack.
    """
    path, n = fixtures_dir() / data.set.file, data.set.labeled
    if not path.is_file():
        path = folder / data.set.file
        with atomic_file(path) as file:
            np.savez(file, x=data.test_x[:n], y=data.test_y[:n], classes=np.array(data.set.classes))
    name = path.name.removesuffix(".npz")
    count = min(n, len(data.test_y))
    return {"name": name, "file": path.name, "sha256": sha256_of(path), "every": every, "clips": count}
