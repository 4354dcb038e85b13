"""Make the card of a pack: its origin, the accuracy of each subnet, and the examples that show it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from reds.data.catalog import Data
from reds.experiment.board import Measured
from reds.experiment.method import Method
from reds.pack.model import Model
from reds.pack.task import METRICS
from reds.training.torch_setup import processor


@dataclass(frozen=True)
class SubnetResult:
    """Hold cost and accuracy of one subnet; accuracies are fractions, in int8 unless named float.

    Of a net that does not tell classes apart an accuracy is the score of its task (`reds.pack.task`).
    """

    name: str
    widths: tuple[int, ...]
    """Units kept in each unit group."""
    macs: int
    accuracy: float
    """On the test examples."""
    validation_accuracy: float
    labeled_accuracy: float
    """On the labeled examples, the first of the test examples, which a bench runs on the board."""
    float_accuracy: float
    """On the test examples."""
    float_validation_accuracy: float
    predicted: Mapping[str, float]
    """Costs on the target: bytes of `arena` and `flash`, and `us`, `cycles` and `uJ` as far as known."""
    mean_error: float | None = None
    """Mean absolute error on the test examples, in the unit of the values; None for other tasks."""


def card_of(
    method: Method, data: Data, model: Model, subnets: Sequence[SubnetResult], floors: Sequence[float], *,
    source: Mapping[str, Any], written: bytes, labeled: Mapping[str, Any], threads: int, processes: int,
    measured: Measured | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the card of a pack, ready to be written as JSON.

    Args:
        method: The settings that the net was trained with.
        data: The examples.
        model: The integer network.
        subnets: Cost and accuracy of each subnet.
        floors: Lowest accuracy of each subnet on the labeled examples that a bench accepts.
        source: Entries on the origin of the net.
        written: The bytes of the pack.
        labeled: The entry of the labeled examples, from `save_labeled`.
        threads: Threads of torch that each process trained with.
        processes: Processes that trained the net together.
        measured: What a board measured of each subnet; None if no board was asked.
    """
    task = data.set.task
    rows = [_subnet(subnet, floor) for subnet, floor in zip(subnets, floors, strict=True)]
    if measured:
        rows = [{**row, "measured": dict(costs)} for row, costs in zip(rows, measured.subnets, strict=True)]
    return {
        "name": method.name,
        **source,
        "seed": method.seed,
        "selection": asdict(method.selection),
        "pack_sha256": hashlib.sha256(written).hexdigest(),
        "bytes": len(written),
        "input": {
            "size": model.input_size,
            "scale": model.input_scale,
            "zero": model.input_zero,
            **(asdict(data.set.standardization) if model.standardized else {}),
        },
        **({} if task == "classes" else {"task": task, "metric": METRICS[task]}),
        **({"output": asdict(data.set.targets)} if data.set.targets.mean else {}),
        "classes": list(data.set.classes),
        "subnets": rows,
        **({"board": dict(measured.board)} if measured else {}),
        "labelled": dict(labeled),
        "tested_on": len(data.test_y),
        "trained_on": {"files": dict(data.files), "split": data.split, "notes": list(data.notes)},
        **({"front_end": dict(data.front_end)} if data.front_end else {}),
        "versions": {
            "torch": torch.__version__, "numpy": np.__version__, "processor": processor(),
            "threads": threads, **({"processes": processes} if processes > 1 else {}),
        },
    }  # fmt: skip


def _subnet(subnet: SubnetResult, floor: float) -> dict[str, Any]:
    return {
        "label": subnet.name,
        "macs": subnet.macs,
        "widths": list(subnet.widths),
        "predicted": dict(subnet.predicted),
        "accuracy": {
            "validation": round(subnet.validation_accuracy, 6),
            "test": round(subnet.accuracy, 6),
            "labelled": round(subnet.labeled_accuracy, 6),
            "float_validation": round(subnet.float_validation_accuracy, 6),
            "float_test": round(subnet.float_accuracy, 6),
        },
        **({} if subnet.mean_error is None else {"mean_error": subnet.mean_error}),
        "floor": floor,
    }
