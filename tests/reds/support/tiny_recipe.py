"""A recipe that trains in seconds, for tests that kill what trains it."""

from pathlib import Path

import numpy as np


def tiny_recipe(folder: Path) -> Path:
    """Write a recipe of a tiny dense net, with examples of four classes; 14 epochs leave time for a kill."""
    rng = np.random.default_rng(0)
    centers, arrays = rng.normal(0, 1, (4, 6)), {}
    for part, each in (("train", 60), ("validation", 10), ("test", 10)):
        y = np.repeat(np.arange(4), each)
        arrays |= {f"{part}_x": centers[y] + rng.normal(0, 1, (len(y), 6)), f"{part}_y": y}
    np.savez(folder / "own.npz", **arrays)
    path = folder / "own.toml"
    path.write_text(
        'net.name = "dnn-s-1x1x6"\ndata.set = "own.npz"\nsubnet = [{ budget = 0.5 }, { budget = 1.0 }]\n'
        "full = { epochs = 2, batch = 16 }\njoint = { epochs = 12, batch = 16 }\n"
    )
    return path
