"""Write the card of a pack: its origin, the accuracy of each subnet, and the examples that show it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reds import pack
from reds.data.catalog import Data
from reds.data.local_files import sha256_of
from reds.experiment.result import Result, SubnetResult
from reds.files import whole, write_whole
from reds.fixtures import fixtures_dir
from reds.training.torch_setup import processor


def save_with_card(result: Result, path: Path) -> dict[str, Any]:
    """Write a result's pack to `path`, with its labeled examples and card beside it; return the card."""
    written = pack.save(result.trained.model, path)
    labeled = save_labeled(result.data, result.every, path.parent)
    card = card_of(result, written, labeled)
    write_whole(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
    return card


def save_labeled(data: Data, every: int, folder: Path) -> dict[str, Any]:
    """Write the labeled examples into `folder`, unless they are shipped, and return their entry of the card.

    Args:
        data: The first test examples are the labeled ones.
        every: The net reads every second, third... row of an example.
        folder: Folder of the pack.
    """
    path, n = fixtures_dir() / data.set.file, data.set.labeled
    if not path.is_file():
        path = folder / data.set.file
        with whole(path) as file:
            np.savez(file, x=data.test_x[:n], y=data.test_y[:n], classes=np.array(data.set.classes))
    name = path.name.removesuffix(".npz")
    count = min(n, len(data.test_y))
    return {"name": name, "file": path.name, "sha256": sha256_of(path), "every": every, "clips": count}


def card_of(result: Result, written: bytes, labeled: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card of a pack, ready to be written as JSON.

    Args:
        result: The trained and tested net.
        written: The bytes of the pack.
        labeled: The entry of the labeled examples, from `save_labeled`.
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
