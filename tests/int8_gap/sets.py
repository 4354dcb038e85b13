"""Make data sets of other kinds than the shipped ones, each with the shortest recipe.

    python -m tests.int8_gap.sets FOLDER

The packages `seglearn`, `river` and `scikit-learn` bring them; no other part of the project needs these. The
spoken words are prepared features, `sc12words.npz` under REDS_DATA, and are left out where it is missing.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.local_files import data_home

Arrays = dict[str, NDArray[Any]]
"""Arrays of an .npz of one's own data, by name."""
WINDOW, STRIDE = 64, 32
"""Rows of a window of a time series, and rows from window to window."""
MEAN, DEVIATION = 80.0, 13.0
"""Mean and deviation of features as some front ends give them."""
SETS: dict[str, tuple[str, Callable[[], Arrays | None]]] = {}
"""Net that reads the data, and the function that makes them, by the name of the data set."""


def data_set(net: str) -> Callable[[Callable[[], Arrays | None]], Callable[[], Arrays | None]]:
    """Add a function that makes a data set to `SETS`; `net` reads it."""

    def add(make: Callable[[], Arrays | None]) -> Callable[[], Arrays | None]:
        SETS[make.__name__.replace("_", "-")] = net, make
        return make

    return add


def half(x: NDArray[Any], y: NDArray[Any], names: NDArray[Any] | list[str]) -> Arrays:
    """Split examples at random, half of them for the test."""
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[::2], order[1::2]
    return {"train_x": x[train], "train_y": y[train], "test_x": x[test], "test_y": y[test],
            "classes": np.array(names)}  # fmt: skip


@data_set("dnn-s-1x1x18")
def segments() -> Arrays:
    """Segments of pictures: a table of 18 features of unlike units, as pixels, densities and a hue."""
    from river.datasets import ImageSegments

    rows = list(ImageSegments())
    names = sorted({label for _, label in rows})
    x = np.array([list(features.values()) for features, _ in rows], np.float32)
    return half(x, np.array([names.index(label) for _, label in rows]), names)


@data_set("dnn-s-1x1x30")
def breast_cancer() -> Arrays:
    """Cell nuclei: a table of 30 features of unlike units, from 0.001 to 4,000."""
    from sklearn.datasets import load_breast_cancer

    loaded = load_breast_cancer()
    return half(loaded.data.astype(np.float32), loaded.target, [str(name) for name in loaded.target_names])


@data_set("ds-cnn-s-8x8x1")
def digits() -> Arrays:
    """Hand-written digits of 8 x 8 pixels from 0 to 16."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return half(loaded.images.astype(np.float32), loaded.target, [str(digit) for digit in range(10)])


@data_set(f"ds-cnn-s-{WINDOW}x1x6")
def watch() -> Arrays:
    """Physiotherapy: windows of a watch's acceleration and rotation, tested on other subjects."""
    from seglearn.datasets import load_watch

    loaded = load_watch()
    parts: dict[str, tuple[list[NDArray[Any]], list[int]]] = {"train": ([], []), "test": ([], [])}
    for series, label, subject in zip(loaded["X"], loaded["y"], loaded["subject"], strict=True):
        x, y = parts["test" if subject % 3 == 0 else "train"]
        starts = range(0, len(series) - WINDOW + 1, STRIDE)
        x += [series[i : i + WINDOW, None].astype(np.float32) for i in starts]
        y += [int(label)] * len(starts)
    arrays = {f"{part}_x": np.stack(x) for part, (x, _) in parts.items()}
    arrays |= {f"{part}_y": np.array(y) for part, (_, y) in parts.items()}
    return arrays | {"classes": np.array([str(name) for name in loaded["y_labels"]])}


def words(mean: float, deviation: float) -> Arrays | None:
    """Return twelve spoken words that no shipped recipe trains on, their MFCC of this mean and deviation."""
    path = data_home() / "sc12words.npz"
    if not path.is_file():
        return None
    made, read = {}, np.load(path)
    own_mean, own_deviation = read["x_train"].mean(), read["x_train"].std()
    for part, name in (("train", "train"), ("val", "validation"), ("test", "test")):
        z = (read[f"x_{part}"].astype(np.float32) - own_mean) / own_deviation
        made |= {f"{name}_x": mean + deviation * z, f"{name}_y": read[f"y_{part}"]}
    return {name: array.astype(np.float32) if array.dtype.kind == "f" else array
            for name, array in made.items()} | {"classes": read["classes"]}  # fmt: skip


@data_set("ds-cnn-s")
def words_standardized() -> Arrays | None:
    """Twelve spoken words, their features of mean 0 and deviation 1."""
    return words(0.0, 1.0)


@data_set("ds-cnn-s")
def words_80() -> Arrays | None:
    """The same words, their features of mean 80 and deviation 13."""
    return words(MEAN, DEVIATION)


def recipe(name: str, net: str) -> str:
    """Return the shortest recipe of a data set."""
    budgets = ", ".join(f"{{ budget = {budget} }}" for budget in (0.25, 0.5, 0.75, 1.0))
    return f'net.name = "{net}"\ndata.set = "{name}.npz"\nsubnet = [{budgets}]\n'


def write(folder: Path, sets: Mapping[str, tuple[str, Callable[[], Arrays | None]]] = SETS) -> list[Path]:
    """Write each data set and its recipe into a folder, and return the recipes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (net, make) in sets.items():
        if arrays := make():
            np.savez_compressed(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]  # stubs of numpy
            written.append(folder / f"{name}.toml")
            written[-1].write_text(recipe(name, net))
    return written


if __name__ == "__main__":
    print(*write(Path(sys.argv[1])), sep="\n")
