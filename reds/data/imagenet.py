"""Read ImageNet-1K (Russakovsky et al., arXiv 1409.0575) from a user's folder; nothing is downloaded.

The folder holds `train/WNID/*.JPEG`, and one of these:
- `val/WNID/*.JPEG`.
- `val/*.JPEG` with `LOC_val_solution.csv`, as on Kaggle.

Pictures become 224 x 224 as most published models read them: the shorter side is resized to 256, and the
center is kept. All of ImageNet takes 193 GB like this, so the pictures lie in files of the cache folder,
which are mapped into memory. Validation pictures are a few of the training part, as `val` is the test.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from reds.console import plain_console
from reds.data.catalog import Data, DataSpec
from reds.data.class_folders import FolderReader, entries
from reds.data.image_file import decode
from reds.data.imagenet_files import VALIDATION, Pictures, list_pictures
from reds.data.images import to_int8
from reds.data.local_files import data_home
from reds.errors import DataError
from reds.pack.scale import Standardization

SIDE, RESIZED = 224, 256
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of red, green and blue from 0 to 1, by which most models normalize pictures."""
SCALE, ZERO = 1 / 64, -13
"""`(stored - ZERO) * SCALE` is what a net reads; the zero point is the mean of the pixels."""
LABELED = 200
"""Test pictures that a bench checks accuracy on."""


def load_imagenet(
    folder: str | Path, seed: int = 0, *, mean: Sequence[float] = MEAN,
    deviation: Sequence[float] = DEVIATION, console: Console | None = None,
) -> Data:  # fmt: skip
    """Return the pictures of a folder; the first call writes them into the cache folder, later ones map them.

    Args:
        folder: The folder of ImageNet.
        seed: Chooses the validation pictures.
        mean: Of red, green and blue, 0 to 1, by which a checkpoint's model normalizes pictures.
        deviation: The deviation of the same.
        console: Shows progress; by default standard error.

    Raises:
        DataError: The folder has another form, or a picture cannot be read, which is named.
    """
    folder = Path(folder)
    classes = tuple(each.name for each in entries(folder / "train", folders=True))
    if not 2 <= len(classes) <= 1 << 16:
        raise DataError(f"{folder / 'train'}: holds {len(classes)} classes: 2 or more are needed")
    parts = list_pictures(folder, classes, seed)
    kept = _kept(folder, parts, console or plain_console(stderr=True))
    x = {part: np.load(kept / f"{part}.npy", mmap_mode="c") for part in parts}
    sha256 = json.loads((kept / "sha256.json").read_text())
    spec = DataSpec(
        "imagenet", (SIDE, SIDE, 3), classes, SCALE, ZERO, min(LABELED, len(x["test"])),
        f"imagenet-{sha256[:8]}-test.npz", normalization(mean, deviation),
    )  # fmt: skip
    split = f"val tests; up to {VALIDATION} pictures of every class of train validate, seed {seed}"
    return Data(
        spec, x["train"][None], parts["train"].labels, x["validation"], parts["validation"].labels,
        x["test"], parts["test"].labels, {folder.resolve().name: sha256}, split,
    )  # fmt: skip


def normalization(mean: Sequence[float], deviation: Sequence[float]) -> Standardization:
    """Return how the features that a net reads are made from pictures that mean and deviation normalized."""
    if len(mean) != 3 or len(deviation) != 3 or min(deviation) <= 0:
        raise DataError(f"mean {list(mean)}, deviation {list(deviation)}: three numbers each are needed")
    center = (128 + ZERO) / 255
    return Standardization(
        tuple((center - m) / d for m, d in zip(mean, deviation, strict=True)),
        tuple(1 / (SCALE * 255 * d) for d in deviation),
    )


def _kept(folder: Path, parts: Mapping[str, Pictures], console: Console) -> Path:
    """Return the cache folder of the parts; it is written if names, sizes or times of files differ."""
    digest = hashlib.sha256(f"{SIDE} {RESIZED}".encode())
    for part, pictures in parts.items():
        for file in pictures.files:
            facts = file.stat()
            digest.update(os.fsencode(f"{part} {file} {facts.st_size} {facts.st_mtime_ns}\n"))
    kept = data_home() / f"imagenet-{digest.hexdigest()[:16]}"
    if kept.is_dir():
        return kept
    data_home().mkdir(parents=True, exist_ok=True)
    new, reader = Path(mkdtemp(prefix=f"{kept.name}-", dir=data_home())), FolderReader(folder)
    try:
        for part, pictures in parts.items():
            sides = (len(pictures.files), SIDE, SIDE, 3)
            x = np.lib.format.open_memmap(new / f"{part}.npy", "w+", np.int8, sides)
            for i, file in enumerate(track(pictures.files, part, console=console)):
                x[i] = to_int8(cropped(decode(reader.read(file), str(file))))
            x.flush()
        (new / "sha256.json").write_text(json.dumps(reader.sha256))
        new.rename(kept)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return kept


def cropped(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the center of a picture uint8 [224, 224, 3], whose shorter side is resized to 256 before."""
    height, width, units = pixels.shape
    shorter = min(height, width)
    sides = max(RESIZED, int(RESIZED * width / shorter)), max(RESIZED, int(RESIZED * height / shorter))
    image = Image.fromarray(np.broadcast_to(pixels, (height, width, 3)) if units == 1 else pixels)
    left, top = (round((side - SIDE) / 2) for side in sides)
    box = left, top, left + SIDE, top + SIDE
    return np.asarray(image.resize(sides, Image.Resampling.BILINEAR).crop(box))
