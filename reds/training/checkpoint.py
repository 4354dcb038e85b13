"""A killed training goes on where it stood: its state after every epoch, in a file beside the pack to be.

What follows from the state is the same, bit for bit, as without the interruption. A state of another recipe,
data, code or torch is not taken up.
"""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from reds.files import write_atomically

State = dict[str, Any]
"""Tensors, numbers and texts, and lists and dictionaries of them."""


class Checkpoint:
    """The phases of one training that are done or under way; kept in memory alone if there is no `path`."""

    def __init__(self, path: Path | None = None, key: str = "") -> None:
        self.path, self.key = path, key
        self.phases: dict[str, State] = {}
        if path is not None and path.exists():
            digest, _, data = path.read_bytes().partition(b"\n")
            if hashlib.sha256(data).hexdigest().encode() == digest:
                kept = torch.load(BytesIO(data), weights_only=True)  # which executes nothing
                self.phases = kept["phases"] if kept["key"] == key else {}

    def save(self, phase: str, state: State) -> None:
        """Replace what is kept of a phase. Raises `OSError`."""
        self.phases[phase] = state
        if self.path is not None:
            written = BytesIO()
            torch.save({"key": self.key, "phases": self.phases}, written)
            data = written.getvalue()
            write_atomically(self.path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)

    def remove(self) -> None:
        """The training's result is written: nothing is to be resumed."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
