"""A killed training goes on where it stood: its state after every epoch, in a file beside the pack to be.

What follows from the state is the same, bit for bit, as without the interruption. A state of another recipe,
data, code or torch is not taken up.
"""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import torch

from reds.data.sets import Data
from reds.files import whole
from reds.recipe import Recipe

State = dict[str, Any]
"""Tensors, numbers and texts, and lists and dictionaries of them."""


class Checkpoint:
    """The phases of one training that are done or under way; kept in memory alone if there is no `path`."""

    def __init__(self, path: Path | None = None, key: str = "") -> None:
        self.path, self.key = path, key
        self.phases: dict[str, State] = {}
        if path is not None and path.exists():
            try:
                kept = torch.load(path, weights_only=True)  # which executes nothing
            except (RuntimeError, EOFError, pickle.UnpicklingError):
                kept = {}
            if kept.get("key") == key:
                self.phases = kept["phases"]

    def save(self, phase: str, state: State) -> None:
        """Replace what is kept of a phase. Raises `OSError`."""
        self.phases[phase] = state
        if self.path is not None:
            with whole(self.path) as file:
                torch.save({"key": self.key, "phases": self.phases}, file)

    def remove(self) -> None:
        """The training's result is written: nothing is to be resumed."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def key_of(name: str, recipe: Recipe, data: Data) -> str:
    """What the bits of a training depend on, as a sha256; `name` tells those of one recipe apart."""
    own = sorted(Path(__file__).parent.rglob("*.py"))
    parts = [name, repr(recipe), repr(sorted(data.files.items())), data.split, torch.__version__]
    digest = hashlib.sha256("\n".join(parts).encode())
    for source in own:
        digest.update(source.read_bytes())
    return digest.hexdigest()
