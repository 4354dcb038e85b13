"""The card beside a pack: what it is, how it was made, how accurate each subnet is and on what."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reds.data.home import sha256_of
from reds.data.sets import Data
from reds.experiment.pipeline import Trained
from reds.experiment.prepare import Ready
from reds.experiment.recipe import Recipe
from reds.files import whole, write_whole
from reds.fixtures import fixtures_dir
from reds.nesting.cost.latency import NANOSECONDS
from reds.training.torch_setup import processor


def labeled_set(data: Data, every: int, folder: Path) -> dict[str, Any]:
    """What a card says of the first test examples: where, which bytes, every which row, how many.

    Written into `folder` unless they are shipped: not every set may be.
    """
    path, n = fixtures_dir() / data.set.file, data.set.labeled
    if not path.is_file():
        path = folder / data.set.file
        with whole(path) as file:
            np.savez(file, x=data.test_x[:n], y=data.test_y[:n], classes=np.array(data.set.classes))
    name = path.name.removesuffix(".npz")
    clips = min(n, len(data.test_y))
    return {"name": name, "file": path.name, "sha256": sha256_of(path), "every": every, "clips": clips}


def card_of(
    recipe: Recipe, made_of: Ready, trained: Trained, tested: Sequence[NDArray[np.bool_]],
    floats: Sequence[float], written: bytes, labeled: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """The card. `tested` says for each subnet which test examples it classifies right in int8, `floats` the
    share of them in float; `written` are the pack's bytes. Latency is by the recipe's times, if it has any.
    """
    model, data, device = trained.model, made_of.data, made_of.device
    costs = [device.costs(trained.net.graph, widths) for widths in trained.net.widths]
    subnets = [
        {
            "label": subnet.name,
            "macs": subnet.macs,
            "widths": list(trained.net.widths[i]),
            **({"latency_us": costs[i]["latency"] / NANOSECONDS} if device.latency else {}),
            "accuracy": {
                "validation": round(trained.validation[i], 6),
                "test": round(float(tested[i].mean()), 6),
                "labelled": round(float(tested[i][: labeled["clips"]].mean()), 6),
                "float_validation": round(trained.float_validation[i], 6),
                "float_test": round(floats[i], 6),
            },
            "floor": recipe.subnet[i].floor,
        }
        for i, subnet in enumerate(model.subnets)
    ]
    return {
        "name": recipe.name,
        "recipe": {"name": recipe.name, "sha256": made_of.recipe_sha256},
        "seed": recipe.seed,
        "selection": asdict(recipe.selection),
        "pack_sha256": hashlib.sha256(written).hexdigest(),
        "bytes": len(written),
        "input": {"size": model.input_size, "scale": model.input_scale, "zero": model.input_zero},
        "classes": list(data.set.classes),
        "subnets": subnets,
        "labelled": dict(labeled),
        "tested_on": len(data.test_y),
        "trained_on": {"files": dict(data.files), "split": data.split},
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "processor": processor()},
    }


def save_card(card: Mapping[str, Any], path: Path) -> None:
    """Write the card, whole or not at all."""
    write_whole(path, (json.dumps(card, indent=2) + "\n").encode())
