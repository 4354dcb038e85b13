"""The labeled clips that a pack's card names, found by name and checksum. numpy only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.local_files import data_home, sha256_of
from reds.errors import LabeledSetMissing
from reds.fixtures import fixtures_dir
from reds.pack.interpreter import clamp_input


def find_labeled(card: Mapping[str, Any], beside: Path) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Inputs int8 [N, input_size] in [-127, 127] and labels uint8 [N] of the card's labeled set.

    Looks beside the pack (`beside` is its folder), in the fixtures, then in `REDS_DATA`, and takes only
    a file whose sha256 is the card's. Raises `LabeledSetMissing` with the reason.
    """
    try:
        want = card["labelled"]
        name, sha256, every, clips = want["file"], want["sha256"], int(want["every"]), int(want["clips"])
    except (KeyError, TypeError, ValueError):
        raise LabeledSetMissing("the card names no labeled set with file, sha256, every, clips") from None
    if not isinstance(name, str) or Path(name).name != name or every < 1:
        raise LabeledSetMissing(f"the card's labeled set is not usable: file {name!r}, every {every}")
    refused = []
    for folder in (beside, fixtures_dir(), data_home()):
        path = folder / name
        if not path.is_file():
            refused.append(f"not in {folder}")
        elif (found := sha256_of(path)) != sha256:
            refused.append(f"{path} has another sha256 ({found[:12]})")
        else:
            return _read(path, every, clips)
    raise LabeledSetMissing(f"{name} (sha256 {str(sha256)[:12]}): {'; '.join(refused)}")


def _read(path: Path, every: int, clips: int) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    with np.load(path, allow_pickle=False) as file:
        x, y = file["x"], file["y"]
    if len(x) != clips or len(y) != clips:
        raise LabeledSetMissing(f"{path} holds {len(x)} clips, the card says {clips}")
    return clamp_input(x[:, ::every].reshape(clips, -1)), y.astype(np.uint8)
