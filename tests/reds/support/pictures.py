"""The shipped pictures of Fashion-MNIST as small data sets, in every form that the loaders read."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from reds.data.images import Images
from reds.data.local_files import sha256_of
from reds.fixtures import fixtures_dir


def shipped(train: int = 700, test: int = 300) -> Images:
    """The first `train` pictures of 1,000 to train on, as many after them to test on as `test` says."""
    with np.load(fixtures_dir() / "fashion-mnist-test1000.npz") as file:
        x, y = (file["x"].astype(np.int16) + 128).astype(np.uint8), file["y"]
    return Images(x[:train], y[:train], x[train : train + test], y[train : train + test], {})


def idx(folder: Path, pictures: Images, names: list[str]) -> dict[str, str]:
    """Written as gzipped IDX files; their checksums."""
    parts = pictures.train_x[..., 0], pictures.train_y, pictures.test_x[..., 0], pictures.test_y
    for name, part in zip(names, parts, strict=True):
        sides = np.array(part.shape, ">u4").tobytes()
        (folder / name).write_bytes(gzip.compress(bytes([0, 0, 8, part.ndim]) + sides + part.tobytes()))
    return {name: sha256_of(folder / name) for name in names}


def binary(path: Path, x: np.ndarray, y: np.ndarray) -> str:
    """Images [6 n, 32, 32, 3] as CIFAR-10's archive: five files of n to train on, one to test on."""
    with tarfile.open(path, "w:gz") as tar:
        records = np.concatenate([y[:, None], x.transpose(0, 3, 1, 2).reshape(len(x), -1)], 1)
        names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
        for name, part in zip(reversed(names), reversed(np.split(records, 6)), strict=True):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = part.size
            tar.addfile(info, io.BytesIO(part.tobytes()))
    return sha256_of(path)


def sheets(path: Path, index: np.ndarray | None = None, across: int = 8, **parts: np.ndarray) -> str:
    """Parts `NAME_x`, `NAME_y` as contact sheets of four rows; `index` are the positions of `train`."""
    written: dict[str, np.ndarray] = {} if index is None else {"train_index": index}
    for name in {key[:-2] for key in parts}:
        x, y = parts[f"{name}_x"], parts[f"{name}_y"]
        n, rows, columns, units = x.shape
        written |= {f"{name}_shape": np.array([rows, columns, units, across], np.int32), f"{name}_y": y}
        full = np.concatenate([x, np.zeros((-n % (4 * across), *x.shape[1:]), np.uint8)])
        for i, part in enumerate(full.reshape(-1, 4, across, rows, columns, units)):
            sheet = part.swapaxes(1, 2).reshape(4 * rows, across * columns, units)
            image, data = Image.fromarray(sheet[..., 0] if units == 1 else sheet), io.BytesIO()
            image.convert("RGB").save(data, "WEBP", lossless=True)
            written[f"{name}_sheet_{i:03}"] = np.frombuffer(data.getvalue(), np.uint8)
    np.savez(path, **written)
    return sha256_of(path)
