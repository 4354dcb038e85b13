"""Find test examples that are training examples too, bit for bit: their accuracy says nothing of others."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import Part


def leak_notes(parts: Mapping[str, Part]) -> tuple[str, ...]:
    """Return a sentence on the test and validation examples that the training part holds too.

    Args:
        parts: `train`, `test` and optionally `validation`.
    """
    notes, known = [], dict(zip(_digests(parts["train"].x), parts["train"].y.tolist(), strict=True))
    for name, (x, y) in parts.items():
        if name == "train":
            continue
        labels = [
            (label, known[one]) for one, label in zip(_digests(x), y.tolist(), strict=True) if one in known
        ]
        if labels:
            odd = sum(one != other for one, other in labels)
            other = f", {odd} of them with another label" if odd else ""
            notes.append(f"{len(labels)} of {len(y)} {name} examples are training examples too, bit for"
                         f" bit{other}: remove them, or accuracy is overstated")  # fmt: skip
    return tuple(notes)


def _digests(x: NDArray[Any]) -> list[bytes]:
    """Return a digest of each example."""
    return [hashlib.blake2b(np.ascontiguousarray(one).data, digest_size=16).digest() for one in x]
