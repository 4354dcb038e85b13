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
from reds.reading import read_regular

_MOST_BYTES = 1 << 34
"""Most bytes of a state."""
State = dict[str, Any]
"""Tensors, numbers and texts, and lists and dictionaries of them."""


class Checkpoint:
    """Keep the state of each phase of one training, in memory and in a file.

    Attributes:
        phases: The state of each phase that is finished or under way, by the phase's name.
    """

    def __init__(self, path: Path | None = None, key: str = "") -> None:
        """Read `path` if it was written with this key; without a path keep states in memory only.

        Raises:
            OSError: The file is there and cannot be read, or is no regular file.
        """
        self.path, self.key = path, key
        self.phases: dict[str, State] = {}
        if path is not None:
            self.phases = self._read(path)

    def _read(self, path: Path) -> dict[str, State]:
        """Return the phases in a file, none if it is missing, damaged or of another key. Raises `OSError`."""
        try:
            digest, _, data = read_regular(path, _MOST_BYTES).partition(b"\n")
        except FileNotFoundError:
            return {}
        if hashlib.sha256(data).hexdigest().encode() != digest:
            return {}
        try:
            saved = torch.load(BytesIO(data), weights_only=True)  # executes no code of the file
            phases = saved["phases"] if saved["key"] == self.key else {}
        except Exception:  # a file that `save` did not write makes torch raise errors of many kinds
            return {}
        return phases if isinstance(phases, dict) else {}

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
