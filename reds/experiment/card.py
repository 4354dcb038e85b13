"""The card beside a pack: how it was made, how accurate each subnet is, and on which examples."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reds import pack
from reds.data.home import sha256_of
from reds.data.sets import Data
from reds.experiment.result import Result, SubnetResult
from reds.files import atomic_file, write_atomically
from reds.fixtures import fixtures_dir
from reds.training.torch_setup import processor


def save_with_card(result: Result, path: Path) -> dict[str, Any]:
    """Write a result's pack to `path`, its labeled examples and its card beside it; return the card."""
    written = pack.save(result.trained.model, path)
    labeled = save_labeled(result.data, result.every, path.parent)
    card = card_of(result, written, labeled)
    write_atomically(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
    return card


def save_labeled(data: Data, every: int, folder: Path) -> dict[str, Any]:
    """Write the labeled examples into `folder`, unless they are shipped; return what a card says of them."""
    path, n = fixtures_dir() / data.set.file, data.set.labeled
    if not path.is_file():
        path = folder / data.set.file
        with atomic_file(path) as file:
            np.savez(file, x=data.test_x[:n], y=data.test_y[:n], classes=np.array(data.set.classes))
    name = path.name.removesuffix(".npz")
    clips = min(n, len(data.test_y))
    return {"name": name, "file": path.name, "sha256": sha256_of(path), "every": every, "clips": clips}


def card_of(result: Result, written: bytes, labeled: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card.

    Args:
        result: What was trained and tested.
        written: The pack's bytes.
        labeled: What `save_labeled` said.
    """
    model, data, method = result.trained.model, result.data, result.method
    return {
        "name": method.name,
        **result.source,
        "seed": method.seed,
        "selection": asdict(method.selection),
        "pack_sha256": hashlib.sha256(written).hexdigest(),
        "bytes": len(written),
        "input": {"size": model.input_size, "scale": model.input_scale, "zero": model.input_zero},
        "classes": list(data.set.classes),
        "subnets": [
            _subnet(subnet, floor) for subnet, floor in zip(result.subnets, result.floors, strict=True)
        ],
        "labelled": dict(labeled),
        "tested_on": len(data.test_y),
        "trained_on": {"files": dict(data.files), "split": data.split},
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "processor": processor()},
    }


def _subnet(subnet: SubnetResult, floor: float) -> dict[str, Any]:
    timed = {} if subnet.latency_us is None else {"latency_us": subnet.latency_us}
    return {
        "label": subnet.name,
        "macs": subnet.macs,
        "widths": list(subnet.widths),
        **timed,
        "accuracy": {
            "validation": round(subnet.validation_accuracy, 6),
            "test": round(subnet.accuracy, 6),
            "labelled": round(subnet.labeled_accuracy, 6),
            "float_validation": round(subnet.float_validation_accuracy, 6),
            "float_test": round(subnet.float_accuracy, 6),
        },
        "floor": floor,
    }
