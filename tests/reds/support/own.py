"""A user's own data, small: pictures of five colors, and a short recipe for them."""

import re
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from reds.fixtures import fixtures_dir

COLORS = ("blue", "green", "neutral", "red", "white")


def short_recipe(epochs: int) -> str:
    """Fashion-MNIST's recipe, short, for pictures of 12 x 8."""
    text = (fixtures_dir() / "recipes" / "fashion-ds-cnn-s.toml").read_text()
    text = re.sub(r"epochs = \d+", f"epochs = {epochs}", re.sub(r"batch = \d+", "batch = 20", text))
    text = re.sub(r"floor = .*", "floor = 0.0", text)
    return text.replace('name = "fashion-ds-cnn-s"', 'name = "mine"').replace("28x28x1", "12x8x3")


def _colored(rng: np.random.Generator, label: int, size: tuple[int, int]) -> np.ndarray:
    """A picture uint8 [rows, columns, 3] of mostly one color."""
    wash = np.array([(0, 0, 1), (0, 1, 0), (0.3, 0.3, 0.3), (1, 0, 0), (1, 1, 1)])[label]
    return np.clip(180 * wash + rng.normal(20, 20, (*size, 3)), 0, 255).astype(np.uint8)


def pictures(path: Path, per_class: int = 16, size: tuple[int, int] = (12, 8)) -> Path:
    """Such pictures in an .npz, as real numbers, or in folders of classes, by what the path ends with."""
    rng = np.random.default_rng(0)
    y = {part: np.repeat(np.arange(5), per_class) for part in ("train", "test")}
    x = {part: np.stack([_colored(rng, label, size) for label in labels]) for part, labels in y.items()}
    if path.suffix == ".npz":
        scaled = {f"{part}_x": (each / 255 - 0.5).astype(np.float32) for part, each in x.items()}
        np.savez(path, **scaled, **{f"{part}_y": each for part, each in y.items()})
        return path
    for label, name in enumerate(COLORS):
        (path / name).mkdir(parents=True)
        for i, pixels in enumerate(x["train"][y["train"] == label]):
            Image.fromarray(pixels).save(path / name / f"{i}.png")
    return path


def words(path: Path, per_class: int = 12, rate: int = 16_000, suffix: str = ".wav") -> Path:
    """Sounds in folders of classes: a low, a high and a rising tone, by one of four speakers each."""
    rng, time = np.random.default_rng(0), np.arange(round(0.6 * rate)) / rate
    for name, pitch in (("high", 1800 + 0 * time), ("low", 300 + 0 * time), ("rising", 300 + 2000 * time)):
        (path / name).mkdir(parents=True)
        for i in range(per_class):
            tone = np.sin(2 * np.pi * np.cumsum(pitch * rng.uniform(0.9, 1.1)) / rate)
            sound = 0.5 * tone + rng.normal(0, 0.02, len(time))
            soundfile.write(path / name / f"speaker{i % 4}_{i}{suffix}", sound, rate)
    return path


def motions(path: Path, rows: int = 1200) -> Path:
    """A recording of an accelerometer in a CSV file, whose wearer rests, walks and runs."""
    rng, time, lines = np.random.default_rng(0), np.arange(rows), ["x,y,z,label"]
    for label, size, speed in (("rest", 0.0, 0.0), ("run", 2.0, 0.9), ("walk", 0.7, 0.3)):
        xyz = size * np.sin(speed * time[:, None] + [0, 1, 2]) + rng.normal(0, 0.1, (rows, 3))
        lines += [",".join(f"{value:.4f}" for value in row) + f",{label}" for row in xyz]
    path.write_text("\n".join(lines) + "\n")
    return path
