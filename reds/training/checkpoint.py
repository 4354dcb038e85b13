"""Resume a killed training after its last whole epoch, with the same bits as without the interruption.

The state after every epoch lies in a file beside the pack to be. A state of another recipe, data, code, torch
version, instruction set or number of threads is not used, and `unused` says what differs.
"""

import hashlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from reds.files import write_atomically
from reds.reading import read_regular
from reds.text import printable

_MOST_BYTES = 1 << 34
"""Most bytes of a state."""
State = dict[str, Any]
"""Tensors, numbers and texts, and lists and dictionaries of them."""


class Checkpoint:
    """Keep the state of each phase of one training, in memory and in a file.

    Attributes:
        phases: The state of each phase that is finished or under way, by the phase's name.
        unused: Why the file's state is not used; empty if it is used, or if there is no file.
    """

    def __init__(self, path: Path | None = None, key: Mapping[str, str] | None = None) -> None:
        """Read `path` if it was written with this key; without a path keep states in memory only.

        Args:
            path: The file.
            key: What decides the bits of the training, by name.

        Raises:
            OSError: The file is there and cannot be read, or is no regular file.
        """
        self.path, self.key = path, dict(key or {})
        self.phases: dict[str, State] = {}
        self.unused = ""
        if path is not None:
            self._read(path)

    def _read(self, path: Path) -> None:
        """Read the phases in a file, none if it is missing, damaged or of another key. Raises `OSError`."""
        try:
            digest, _, data = read_regular(path, _MOST_BYTES).partition(b"\n")
        except FileNotFoundError:
            return
        self.unused = "it is damaged, or another version wrote it"
        if hashlib.sha256(data).hexdigest().encode() != digest:
            return
        try:
            saved = torch.load(BytesIO(data), weights_only=True)  # executes no code of the file
            key, phases = dict(saved["key"]), dict(saved["phases"])
            self.unused = differences(key, self.key)
        except Exception:  # a file that `save` did not write makes torch raise errors of many kinds
            return
        if not self.unused:
            self.phases = phases

    def save(self, phase: str, state: State) -> None:
        """Replace the state of a phase. Raises `OSError`."""
        self.phases[phase] = state
        if self.path is not None:
            write_atomically(self.path, self.packed())

    def packed(self) -> bytes:
        """Return the content of the file."""
        written = BytesIO()
        torch.save({"key": self.key, "phases": self.phases}, written)
        data = written.getvalue()
        return hashlib.sha256(data).hexdigest().encode() + b"\n" + data

    def set_aside(self) -> Path | None:
        """Rename a file that is not used, so that no save replaces it. Return its new name.

        Raises:
            OSError: The file cannot be renamed.
        """
        if self.path is None or not self.unused:
            return None
        return self.path.replace(self.path.with_name(f"{self.path.name}.old"))

    def remove(self) -> None:
        """Delete the file, once the result of the training is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return which values differ, as `[joint] epochs was 80 and is 60`; empty if none do."""
    names = [*now, *(name for name in before if name not in now)]
    values = ((name, before.get(name, "not there"), now.get(name, "not there")) for name in names)
    return ", ".join(printable(f"{name} was {old} and is {new}") for name, old, new in values if old != new)
