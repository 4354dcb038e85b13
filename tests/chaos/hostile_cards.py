"""Write a pack with a hostile card or a hostile labeled set, whose checksums fit."""

import hashlib
import io
import random
from pathlib import Path
from typing import Any

import numpy as np

from tests.chaos.commands import small_pack
from tests.chaos.hostile import json_text, mutated_bytes, mutated_tree

_CLIPS, _SIZE = 9, 20
Arrays = dict[str, Any]


def hostile_card(rng: random.Random, folder: Path) -> str:
    """Write `x.reds`, a sound set and a hostile card; return the fault."""
    small_pack(folder / "x.reds")
    text = json_text(mutated_tree(_card(folder, _npz(_arrays())), rng)).encode()
    if rng.random() < 0.2:
        text = mutated_bytes(text, rng)
    (folder / "x.json").write_bytes(text)
    return f"card {text[:400]!a}"


def hostile_set(rng: random.Random, folder: Path) -> str:
    """Write `x.reds`, a hostile set and a card that fits it; return the fault."""
    small_pack(folder / "x.reds")
    arrays = _arrays()
    said = _mutate(arrays, rng)
    data = _npz(arrays)
    if rng.random() < 0.5:
        data, said = mutated_bytes(data, rng), f"{said} and changed bytes"
    (folder / "x.json").write_text(json_text(_card(folder, data)))
    return f"labeled set with {said}"


def _arrays() -> Arrays:
    return {"x": np.zeros((_CLIPS, _SIZE), np.int8), "y": np.arange(_CLIPS, dtype=np.uint8) % 5}


def _npz(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _card(folder: Path, labeled: bytes) -> dict[str, Any]:
    """Write the set, and return the card of the pack and the set."""
    (folder / "own.npz").write_bytes(labeled)
    sha256 = hashlib.sha256((folder / "x.reds").read_bytes()).hexdigest()
    rows = [{"label": label, "floor": 0.0, "accuracy": {"test": 0.5}} for label in ("50%", "100%")]
    of_set = {"file": "own.npz", "sha256": hashlib.sha256(labeled).hexdigest(), "every": 1, "clips": _CLIPS}
    return {"pack_sha256": sha256, "subnets": rows, "labelled": of_set}


def _mutate(arrays: Arrays, rng: random.Random) -> str:
    """Change one of the arrays; return what is wrong with it."""
    name = rng.choice(("x", "y"))
    was = arrays[name]
    match rng.randrange(7):
        case 0:
            del arrays[name]
            return f"no {name}"
        case 1:
            dtype = rng.choice(("f4", "f8", "i8", "u1", "c8", "U4", "M8[s]", "?"))
            arrays[name] = was.astype(dtype)
            return f"{name} of {dtype}"
        case 2:
            shape = rng.choice(((-1,), (1, -1), (-1, 1, 1)))
            arrays[name] = was.reshape(-1)[: rng.randrange(1, 10)].reshape(shape)
            return f"{name} of shape {arrays[name].shape}"
        case 3:
            arrays[name] = np.array([{}, []], dtype=object)
            return f"objects in {name}"
        case 4:
            arrays[name] = np.int8(3)
            return f"one number for {name}"
        case 5:
            number = rng.choice((np.nan, np.inf, 300.0, -128.0, -1.0))
            arrays[name] = np.full(was.shape, number)
            return f"{number} in {name}"
    arrays[name] = np.zeros((1 << 27, _SIZE), np.int8)
    return f"{arrays[name].nbytes >> 20} MiB of {name}"
