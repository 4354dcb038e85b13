"""Load Fashion-MNIST (Xiao, Rasul, Vollgraf, arXiv 1708.07747; MIT) from its official home."""

import gzip
import zlib
from pathlib import Path

import numpy as np
from rich.console import Console

from reds.data.download import fetch
from reds.data.images import Images, Pixels
from reds.errors import DataError

URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
FILES = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
SHEETS = {"fashion_mnist.npz": "5cb674ef116bbb84128ed5a92a64772c76305359405c4f906c9c43112ab2365b"}


def load_fashion_mnist(
    folder: Path, console: Console, url: str = URL, files: dict[str, str] = FILES
) -> Images:
    """Return all images; their files are downloaded once to `folder`/fashion-mnist.

    Args:
        folder: Folder of downloaded data.
        console: Shows progress.
        url: Folder of the files on the web.
        files: sha256 of each file, by name.

    Raises:
        DataError: A file cannot be downloaded, is damaged or has another checksum.
    """
    paths = [folder / "fashion-mnist" / name for name in files]
    for path, sha256 in zip(paths, files.values(), strict=True):
        fetch(f"{url}/{path.name}", sha256, path, console)
    train_x, train_y, test_x, test_y = (read_idx(path) for path in paths)
    return Images(train_x[..., None], train_y, test_x[..., None], test_y, files)


def read_idx(path: Path) -> Pixels:
    """Return the uint8 array of a gzipped IDX file.

    The file holds the bytes 0, 0, 8, the number of sides, each side as big-endian uint32, then the values.
    Raises `DataError` if it cannot be read.
    """
    try:
        data = gzip.decompress(path.read_bytes())
        sides = np.frombuffer(data, ">u4", data[3], 4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * len(sides)).reshape(sides)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}; delete it and try again") from error
