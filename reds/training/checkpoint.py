"""Resume a killed training after its last whole epoch, with the same bits as without the interruption.

The state after every epoch lies in a file beside the pack to be. A state of another recipe, data, code, torch
version or instruction set is ignored.
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
    """Keep the state of each phase of one training, in memory and in a file.

    Attributes:
        phases: The state of each phase that is finished or under way, by the phase's name.
    """

    def __init__(self, path: Path | None = None, key: str = "") -> None:
        """Read `path` if it was written with this key; without a path keep states in memory only."""
        self.path, self.key = path, key
        self.phases: dict[str, State] = {}
        if path is not None and path.exists():
            digest, _, data = path.read_bytes().partition(b"\n")
            if hashlib.sha256(data).hexdigest().encode() == digest:
                saved = torch.load(BytesIO(data), weights_only=True)  # executes no code of the file
                self.phases = saved["phases"] if saved["key"] == key else {}

    def save(self, phase: str, state: State) -> None:
        """Replace the state of a phase. Raises `OSError`."""
        self.phases[phase] = state
        if self.path is not None:
            written = BytesIO()
            torch.save({"key": self.key, "phases": self.phases}, written)
            data = written.getvalue()
            write_atomically(self.path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)

    def remove(self) -> None:
        """Delete the file, once the result of the training is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
