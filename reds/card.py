"""The card beside a pack: what it is, how it was made, how accurate each subnet is and on which clips."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reds.data.home import sha256_of
from reds.data.speech import CLASSES, SpeechData
from reds.files import write_whole
from reds.fixtures import fixtures_dir
from reds.recipe import Recipe
from reds.train import Trained

TEST_SET = "kws12-test"


def labelled_set(every: int) -> dict[str, Any]:
    """What a card says of its labelled clips: where, which bytes, every which frame, how many."""
    path = fixtures_dir() / f"{TEST_SET}.npz"
    with np.load(path, allow_pickle=False) as file:
        clips = len(file["y"])
    return {"name": TEST_SET, "file": path.name, "sha256": sha256_of(path), "every": every, "clips": clips}


def card_of(
    recipe: Recipe, recipe_sha256: str, trained: Trained, tested: Sequence[Sequence[float]],
    written: bytes, labelled: Mapping[str, Any], data: SpeechData,
) -> dict[str, Any]:  # fmt: skip
    """The card. `tested` are the test accuracies per subnet, int8 and float; `written` the pack's bytes."""
    model, int8, floats = trained.model, *tested
    subnets = [
        {
            "label": subnet.label,
            "macs": subnet.macs,
            "widths": list(trained.net.widths[i]),
            "accuracy": {
                "validation": round(trained.validation[i], 6),
                "test": round(int8[i], 6),
                "float_validation": round(trained.float_validation[i], 6),
                "float_test": round(floats[i], 6),
            },
            "floor": recipe.subnet[i].floor,
        }
        for i, subnet in enumerate(model.subnets)
    ]
    return {
        "name": recipe.name,
        "recipe": {"name": recipe.name, "sha256": recipe_sha256},
        "seed": recipe.seed,
        "pack_sha256": hashlib.sha256(written).hexdigest(),
        "bytes": len(written),
        "input": {"size": model.input_size, "scale": model.input_scale, "zero": model.input_zero},
        "classes": list(CLASSES),
        "subnets": subnets,
        "labelled": dict(labelled),
        "trained_on": {"files": dict(data.files), "split": data.split},
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }


def save_card(card: Mapping[str, Any], path: Path) -> None:
    """Write the card, whole or not at all."""
    write_whole(path, (json.dumps(card, indent=2) + "\n").encode())
