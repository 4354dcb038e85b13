"""Mistakes in a user's own sounds, time series, labels and data sets; every one gets a fresh folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

import reds
from reds.data.options import DataOptions, SeriesOptions, SoundOptions
from reds.data.user_files import load_user_data
from tests.reds.support.own import motions, words

X = np.random.default_rng(0).normal(0, 1, (30, 6)).astype(np.float32)
Y = np.repeat(np.arange(3), 10)
LINES = ["x,y,label", *(f"0.{i % 7},{i * 13 % 10},{'ab'[i // 20]}" for i in range(40))]


def _sounds(
    samples: np.ndarray | bytes | None = None, rate: int = 16_000, **options: Any
) -> Callable[[Path], object]:
    """Read a folder of sounds, one of which has these samples or bytes."""

    def run(folder: Path) -> object:
        path = words(folder / "words", per_class=4) / "low" / "speaker0_0.wav"
        if isinstance(samples, bytes):
            path.write_bytes(samples)
        elif samples is not None:
            soundfile.write(path, samples, rate)
        return load_user_data(folder / "words", 0, DataOptions("", **options))

    return run


def _cut_off(folder: Path) -> object:
    path = words(folder / "words", per_class=4) / "low" / "speaker0_0.wav"
    path.write_bytes(path.read_bytes()[:2000])
    return load_user_data(folder / "words", 0)


def _series(line: str | None = None, at: int = 7, **options: Any) -> Callable[[Path], object]:
    """Read a CSV file of which one line is written otherwise."""

    def run(folder: Path) -> object:
        lines = [line if line is not None and i == at else each for i, each in enumerate(LINES, 1)]
        (folder / "mine.csv").write_text("\n".join(lines))
        series = SeriesOptions(**{"window": 4} | options)
        return load_user_data(folder / "mine.csv", 0, DataOptions("", series=series))

    return run


def _clock(folder: Path) -> object:
    path = motions(folder / "mine.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["time," + lines[0], *(f"{i},{line}" for i, line in enumerate(lines[1:]))]))
    return load_user_data(path, 0)


def _in_both_parts(folder: Path) -> object:
    for part in ("train", "test"):
        words(folder / "words" / part, per_class=4)
    return load_user_data(folder / "words", 0, DataOptions("", group="^(speaker[0-9])_"))


def _labels(y: Any) -> Callable[[Path], object]:
    return lambda _: reds.Dataset.split(X, y)


def _examples(*pairs: Any) -> Callable[[Path], object]:
    return lambda _: reds.Dataset.from_examples(pairs, pairs)


class Noisy(list[Any]):
    """Examples that a random transform changes whenever they are read."""

    def __init__(self) -> None:
        super().__init__([(x, i % 3) for i, x in enumerate(X)])
        self.drawn = np.random.default_rng(0)

    def __getitem__(self, i: Any) -> Any:
        x, y = super().__getitem__(i)
        return x + self.drawn.normal(0, 1, x.shape).astype(np.float32), y


def _transparent(folder: Path) -> object:
    for name in ("cats/a.png", "dogs/b.png"):
        (folder / name).parent.mkdir()
        Image.new("RGBA", (4, 4), (9, 9, 9, 128)).save(folder / name)
    return load_user_data(folder, 0)


def _capitals(folder: Path) -> object:
    for name in ("Train/cats", "Train/dogs", "Val/cats", "Val/dogs"):
        (folder / "set" / name).mkdir(parents=True)
    return load_user_data(folder / "set", 0)


TONE = 0.5 * np.sin(np.arange(9600) / 8)
DATA_FAULTS: dict[str, Callable[[Path], object]] = {
    "sounds: text": _sounds(b"hello"),
    "sounds: a file that is cut off": _cut_off,
    "sounds: no sample": _sounds(np.zeros(0)),
    "sounds: a low rate": _sounds(TONE, 4000),
    "sounds: channels that cancel": _sounds(np.stack([TONE, -TONE], 1)),
    "sounds: a long one": _sounds(np.tile(TONE, 20)),
    "sounds: an option of time series": _sounds(series=SeriesOptions(window=9)),
    "sounds: seconds of nothing": _sounds(sounds=SoundOptions(seconds=0)),
    "sounds: a frequency too high": _sounds(sounds=SoundOptions(highest_hz=9000)),
    "groups: a pattern that finds nothing": _sounds(group="^(patient)"),
    "groups: a pattern without parentheses": _sounds(group="speaker"),
    "groups: one in two parts": _in_both_parts,
    "groups: two for a class": lambda _: reds.Dataset.split(X, Y, groups=np.arange(30) % 2),
    "groups: too few": lambda _: reds.Dataset.split(X, Y, groups=np.arange(9)),
    "series: a word": _series("1,two,a"),
    "series: a missing value": _series("1,,a"),
    "series: nan": _series("nan,1,a"),
    "series: a decimal comma": _series('"1,5",2,a'),
    "series: a huge number": _series("1.7e12,1,a"),
    "series: cells too many": _series("1,5,2,5,a"),
    "series: no names": _series("0.1,2,a", at=1),
    "series: another name of the label": _series("x,y,Label", at=1),
    "series: a column without a name": _series(",y,label", at=1),
    "series: a clock": _clock,
    "series: an empty line": _series(""),
    "series: a class in one row": _series("1,2,aa"),
    "series: a window longer than all": _series(window=64),
    "series: a window of nothing": _series(window=0),
    "series: a column that is not there": _series(columns=("x", "z")),
    "labels: one-hot": _labels(np.eye(3)[Y]),
    "labels: texts": _labels(np.array(["cat", "dog", "owl"])[Y]),
    "labels: floats": _labels(Y.astype(float)),
    "labels: fractions": _labels(Y / 4),
    "labels: negative": _labels(Y - 1),
    "labels: a column": _labels(Y[:, None]),
    "examples: a path": lambda _: reds.Dataset.from_examples("pictures/", "pictures/"),
    "examples: all parts": lambda _: reds.Dataset.from_examples({"train": [], "test": []}, []),  # type: ignore[arg-type]
    "examples: a random transform": lambda _: reds.Dataset.from_examples(Noisy(), Noisy()),
    "examples: pixels as bytes": _examples((np.zeros((3, 4, 4), np.uint8), 0)),
    "examples: a label of text": _examples((X[0], "cat")),
    "examples: no class": _examples((X[0], -1)),
    "examples: a stream": lambda _: reds.Dataset.from_examples(iter([(X[0], 0)]), []),  # type: ignore[arg-type]
    "examples: no pair": _examples(X[0], X[1]),
    "examples: several keys": _examples({"image": X[0], "mask": X[0], "label": 0}),
    "examples: two shapes": _examples((X[0], 0), (X[1, :5], 1)),
    "examples: texts": _examples(("a walk", 0)),
    "examples: no label": _examples((X[0], None)),
    "labels: from 1": lambda _: reds.Dataset((X, Y + 1), (X, Y + 1)),
    "labels: objects": _labels(Y.astype(object)),
    "arrays: masked": lambda _: reds.Dataset.split(np.ma.masked_array(X, mask=X > 2), Y),
    "arrays: ragged": lambda _: reds.Dataset.split([[1.0], [1.0, 2.0]], Y),
    "arrays: a share as text": lambda _: reds.Dataset.split(X, Y, test="20%"),  # type: ignore[arg-type]
    "arrays: a seed below 0": lambda _: reds.Dataset.split(X, Y, seed=-1),
    "examples: one key": lambda _: reds.Dataset.from_examples([], [], keys="image"),  # type: ignore[arg-type]
    "pictures: transparent": _transparent,
    "pictures: parts of other names": _capitals,
    "read: no path": lambda _: reds.Dataset.read(None),  # type: ignore[arg-type]
    "read: nothing there": lambda folder: reds.Dataset.read(folder / "none"),
}
